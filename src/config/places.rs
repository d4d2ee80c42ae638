//! Settings that read well and yet cannot be used: they are told with their place too.

use std::{fmt::Display, net::SocketAddr};

use super::{Config, ConfigError};

/// Where the value of a setting stands, for those that the program tries out later.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    listen: String,
    data_dir: String,
    mqtt_listen: String,
    mqtt_websocket_listen: String,
}

impl Places {
    pub(super) fn of(place: impl Fn(&str) -> String) -> Self {
        Self {
            listen: place("listen"),
            data_dir: place("data_dir"),
            mqtt_listen: place("mqtt.listen"),
            mqtt_websocket_listen: place("mqtt.websocket_listen"),
        }
    }
}

impl Config {
    /// The address cannot be listened on: says which setting names it.
    #[must_use]
    pub fn cannot_listen(&self, error: &dyn Display) -> String {
        format!("{}: cannot listen on {}: {error}", self.places.listen, self.listen)
    }

    /// The broker cannot listen on its address for TCP, or on that for web sockets.
    #[must_use]
    pub fn broker_cannot_listen(
        &self,
        web: bool,
        address: SocketAddr,
        error: &dyn Display,
    ) -> ConfigError {
        let places = [&self.places.mqtt_listen, &self.places.mqtt_websocket_listen];
        ConfigError {
            place: places[usize::from(web)].clone(),
            problem: format!("MQTT cannot listen on {address}: {error}"),
        }
    }

    /// Whether the data directory can be used, or made: it, or the nearest folder above it that is
    /// there, takes a file. Nothing stays behind. A server that keeps everything elsewhere needs none.
    pub fn check_data_dir(&self) -> Result<(), ConfigError> {
        if self.database.url.is_some() && self.s3_bucket.is_some() {
            return Ok(());
        }
        let shown = self.data_dir.display();
        let wrong = |problem: String| ConfigError { place: self.places.data_dir.clone(), problem };
        let full = std::path::absolute(&self.data_dir)
            .map_err(|error| wrong(format!("{shown} is no folder: {error}")))?;
        let Some(there) = full.ancestors().find(|path| path.exists()) else { return Ok(()) };
        if !there.is_dir() {
            return Err(wrong(format!("{} is a file; name a folder", there.display())));
        }
        let can = if there == full { "be written" } else { "be made" };
        match tempfile::tempfile_in(there) {
            Ok(_) => Ok(()),
            Err(error) => Err(wrong(format!("{shown} cannot {can}: {error}"))),
        }
    }
}
