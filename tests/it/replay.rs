//! From a kept document every row can be made again.

use reqwest::{Method, multipart};
use trueprice::{
    auth::Role,
    db::versions,
    domain::Dataset,
    intake::{ReplayError, replay},
};

use crate::support::{Reply, TestServer, files};

#[tokio::test]
async fn every_good_file_is_stored_as_its_document_says() {
    let server = TestServer::start().await;
    let writer = server.caller(Role::ReadWrite).await;
    let archive = std::fs::read(files::repository("good_test_data/good/all_families.zip")).unwrap();
    let part = multipart::Part::bytes(archive).file_name("all.zip");
    let request = writer.request(Method::POST, "/api/v1/uploads");
    let form = multipart::Form::new().part("file", part);
    let reply = Reply::of(request.multipart(form).send().await.unwrap()).await;
    assert_eq!(reply.status, 207);
    let taken = reply.results().into_iter().filter(|result| result.1 == 201).count();

    let stored = versions::after(&server.app.pool, 0, 1000).await.unwrap();
    assert_eq!(stored.len(), taken);
    assert!(taken >= Dataset::all().count(), "{taken}");
    for version in &stored {
        let points =
            replay(&server.app, version).await.unwrap_or_else(|e| panic!("{version:?}: {e}"));
        assert!(points > 0, "{version:?}");
    }

    // A version beside the document of another differs, and one without a document is told.
    let mut other = stored[0].clone();
    other.sha256 = stored[1].sha256;
    let error = replay(&server.app, &other).await.unwrap_err();
    assert!(matches!(error, ReplayError::Different(..)), "{error}");
    let documents = server.data_dir().join("documents");
    std::fs::remove_dir_all(&documents).unwrap();
    let error = replay(&server.app, &stored[0]).await.unwrap_err();
    assert!(matches!(error, ReplayError::Store(_)), "{error}");
}
