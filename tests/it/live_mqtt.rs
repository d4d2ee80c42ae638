//! MQTT, with clients that others wrote.
