//! Asking upstreams: politely, safely, and with a record of every answer.
