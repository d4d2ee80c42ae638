//! How to connect, as text to copy: psql, ODBC, Python, and a data source for Tableau. None of them
//! holds a password.

use crate::{app::App, db};

/// Where and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Host name or address.
    pub server: String,
    /// TCP port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The login role.
    pub user: String,
}

/// What stands for a password.
const PASSWORD: &str = "YOUR_PASSWORD";

impl Connection {
    /// How `user` (a login role) connects; none where the operator has not said where to.
    #[must_use]
    pub fn of(app: &App, user: &str) -> Option<Self> {
        let (server, port) = app.config.bi.server()?;
        Some(Self { server, port, database: database(app), user: user.to_owned() })
    }

    /// A shell line. The program asks for the password.
    #[must_use]
    pub fn psql(&self) -> String {
        let Self { server, port, database, user } = self;
        format!(
            "psql \"host={server} port={port} dbname={database} user={user} sslmode=verify-full sslrootcert=system\""
        )
    }

    /// A connection string for Excel and whatever else speaks ODBC.
    #[must_use]
    pub fn odbc(&self) -> String {
        let Self { server, port, database, user } = self;
        format!(
            "Driver={{PostgreSQL Unicode(x64)}};Server={server};Port={port};Database={database};\
             Uid={user};Pwd={PASSWORD};sslmode=verify-full;ReadOnly=1;"
        )
    }

    /// Python with pandas.
    #[must_use]
    pub fn python(&self) -> String {
        let Self { server, port, database, user } = self;
        format!(
            "import pandas, sqlalchemy\n\n\
             url = sqlalchemy.URL.create(\n    \"postgresql+psycopg\", \"{user}\", \"{PASSWORD}\", \"{server}\", {port}, \
             \"{database}\",\n    {{\"sslmode\": \"verify-full\", \"sslrootcert\": \"system\"}})\n\
             sql = \"\"\"select contract_month, block_type, value from points\n\
             \x20        where curve = 'energy' and iso = 'ercot' and operating_day = '2031-03-04'\"\"\"\n\
             with sqlalchemy.create_engine(url).connect() as connection:\n\
             \x20   connection.execute(sqlalchemy.text(\"set app.as_of = ''\"))\n\
             \x20   prices = pandas.read_sql(sql, connection)\n"
        )
    }

    /// A data source of Tableau (`.tds`): opening it asks for the password.
    #[must_use]
    pub fn tds(&self) -> String {
        let [server, database, user] = [&self.server, &self.database, &self.user].map(|s| xml(s));
        let port = self.port;
        format!(
            "<?xml version='1.0' encoding='utf-8' ?>\n\
             <datasource formatted-name='TRUEPrice' inline='true' version='18.1' \
             xmlns:user='http://www.tableausoftware.com/xml/user'>\n\
             \x20 <connection class='federated'>\n\
             \x20   <named-connections>\n\
             \x20     <named-connection caption='{server}' name='postgres.trueprice'>\n\
             \x20       <connection authentication='username-password' class='postgres' dbname='{database}' \
             one-time-sql='{INITIAL_SQL}' port='{port}' schema='bi' server='{server}' sslmode='require' \
             username='{user}' workgroup-auth-mode='prompt' />\n\
             \x20     </named-connection>\n\
             \x20   </named-connections>\n\
             \x20   <relation connection='postgres.trueprice' name='points' table='[bi].[points]' type='table' />\n\
             \x20 </connection>\n\
             </datasource>\n"
        )
    }
}

/// What a session may begin with, in an attribute: empty settings are those of everybody.
const INITIAL_SQL: &str = "set app.as_of = &apos;&apos;;&#10;set app.version = &apos;latest&apos;;";

/// The name of the database.
#[must_use]
pub fn database(app: &App) -> String {
    db::bi::database(&app.pool)
}

fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_source_is_xml_with_tls_and_without_a_password() {
        let connection = Connection {
            server: "db.example.com".to_owned(),
            port: 5433,
            database: "it's".to_owned(),
            user: "bi_0195".to_owned(),
        };
        let tds = connection.tds();
        let mut reader = quick_xml(&tds);
        assert!(reader.all(|closed| closed), "{tds}");
        assert!(tds.contains("server='db.example.com'") && tds.contains("port='5433'"), "{tds}");
        assert!(tds.contains("sslmode='require'") && tds.contains("dbname='it&apos;s'"), "{tds}");
        assert!(tds.contains("schema='bi'") && tds.contains("set app.as_of"), "{tds}");
        assert!(!tds.contains("password=") && !tds.contains(PASSWORD), "{tds}");
    }

    /// Whether each tag that is opened is closed, in order; a check, no parser.
    fn quick_xml(text: &str) -> impl Iterator<Item = bool> {
        let mut open = Vec::new();
        let mut good = Vec::new();
        for tag in text.split('<').skip(1).filter(|tag| !tag.starts_with('?')) {
            let name = |tag: &str| tag.split([' ', '>']).next().unwrap_or_default().to_owned();
            if let Some(end) = tag.strip_prefix('/') {
                good.push(open.pop() == Some(name(end)));
            } else if !tag.trim_end().ends_with("/>") {
                open.push(name(tag));
            }
        }
        good.push(open.is_empty());
        good.into_iter()
    }
}
