//! The packets of MQTT 3.1.1 and 5, as far as a broker that only tells needs them.
//!
//! What clients send is decoded from any bytes without a panic; what is not understood ends the
//! connection.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// The most bytes of a packet of a client.
pub const LARGEST: usize = 16 << 10;

/// The most filters of one packet.
const MOST_FILTERS: usize = 100;

/// Which version a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1
    V4,
    /// 5
    V5,
}

/// Bytes that are no packet, or none that a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

type Read<T> = Result<T, Malformed>;

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// It wants to come in.
    Connect(Connect),
    /// It publishes: nobody may.
    Publish,
    /// It has a message.
    Ack(u16),
    /// It wants messages.
    Subscribe(u16, Vec<Wish>),
    /// It wants them no more.
    Unsubscribe(u16, Vec<String>),
    /// It lives.
    Ping,
    /// It goes.
    Disconnect,
}

/// How a client introduces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// What it speaks; none: neither of the two that are spoken here.
    pub version: Option<Version>,
    /// Its name for itself; may be empty.
    pub client_id: String,
    /// Seconds of silence after which it is given up, half as long again; 0: never.
    pub keep_alive: u16,
    /// Who.
    pub user: Option<String>,
    /// The secret.
    pub password: Option<String>,
    /// Whether it wants something to be published when it is gone.
    pub has_will: bool,
    /// How many messages may wait for its word at once.
    pub receive_maximum: u16,
}

/// A filter that a client subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The filter.
    pub filter: String,
    /// The best quality of service it takes.
    pub qos: u8,
    /// Whether messages keep their mark of being retained (version 5).
    pub retain_as_published: bool,
    /// When retained messages are sent: 0 always, 1 for a new subscription, 2 never (version 5).
    pub retain_handling: u8,
}

/// Takes the next whole packet out of `buffer`: its first byte and what follows the length. `None`:
/// more bytes are needed.
pub fn take(buffer: &mut BytesMut) -> Read<Option<(u8, Bytes)>> {
    let mut length = 0_usize;
    for place in 1..=4 {
        let Some(&byte) = buffer.get(place) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * (place - 1));
        if byte & 0x80 != 0 {
            continue;
        }
        if length > LARGEST {
            return Err(Malformed("the packet is too large"));
        }
        if buffer.len() < 1 + place + length {
            return Ok(None);
        }
        let first = buffer[0];
        buffer.advance(1 + place);
        return Ok(Some((first, buffer.split_to(length).freeze())));
    }
    Err(Malformed("the length has no end"))
}

/// Decodes a packet. `version` is none before the first.
pub fn decode(first: u8, body: Bytes, version: Option<Version>) -> Read<Incoming> {
    let mut reader = Reader(body);
    let is_v5 = version == Some(Version::V5);
    match (first >> 4, first & 0x0f) {
        (1, 0) => reader.connect().map(Incoming::Connect),
        (3, _) => Ok(Incoming::Publish),
        (4, 0) => reader.u16().map(Incoming::Ack),
        (8, 2) => reader.subscribe(is_v5),
        (10, 2) => reader.unsubscribe(is_v5),
        (12, 0) => Ok(Incoming::Ping),
        (14, 0) => Ok(Incoming::Disconnect),
        _ => Err(Malformed("a client does not send such a packet")),
    }
}

struct Reader(Bytes);

impl Reader {
    fn u8(&mut self) -> Read<u8> {
        self.0.try_get_u8().map_err(|_| Malformed("the packet is cut off"))
    }

    fn u16(&mut self) -> Read<u16> {
        self.0.try_get_u16().map_err(|_| Malformed("the packet is cut off"))
    }

    fn skip(&mut self, bytes: usize) -> Read<Bytes> {
        if self.0.len() < bytes {
            return Err(Malformed("the packet is cut off"));
        }
        Ok(self.0.split_to(bytes))
    }

    fn binary(&mut self) -> Read<Bytes> {
        let length = self.u16()?;
        self.skip(length.into())
    }

    fn text(&mut self) -> Read<String> {
        let bytes = self.binary()?;
        let text = str::from_utf8(&bytes).map_err(|_| Malformed("a text is not UTF-8"))?;
        if text.contains('\0') {
            return Err(Malformed("a text holds the character U+0000"));
        }
        Ok(text.to_owned())
    }

    fn varint(&mut self) -> Read<usize> {
        let mut value = 0;
        for place in 0..4 {
            let byte = self.u8()?;
            value |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("a length has no end"))
    }

    /// The properties of version 5; of those that count here there is one: how many messages may wait.
    fn properties(&mut self) -> Read<Option<u16>> {
        let length = self.varint()?;
        let mut reader = Self(self.skip(length)?);
        let mut receive_maximum = None;
        while !reader.0.is_empty() {
            match reader.u8()? {
                0x21 => receive_maximum = Some(reader.u16()?),
                0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28..=0x2a => drop(reader.skip(1)?),
                0x13 | 0x22 | 0x23 => drop(reader.skip(2)?),
                0x02 | 0x11 | 0x18 | 0x27 => drop(reader.skip(4)?),
                0x0b => drop(reader.varint()?),
                0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => {
                    drop(reader.binary()?);
                }
                0x26 => {
                    reader.binary()?;
                    reader.binary()?;
                }
                _ => return Err(Malformed("a property is unknown")),
            }
        }
        Ok(receive_maximum)
    }

    fn connect(&mut self) -> Read<Connect> {
        let (name, level, flags) = (self.text()?, self.u8()?, self.u8()?);
        let version = match (name.as_str(), level) {
            ("MQTT", 4) => Some(Version::V4),
            ("MQTT", 5) => Some(Version::V5),
            _ => None,
        };
        let mut connect = Connect {
            version,
            client_id: String::new(),
            keep_alive: self.u16()?,
            user: None,
            password: None,
            has_will: flags & 0x04 != 0,
            receive_maximum: u16::MAX,
        };
        // What another version has to say is not known.
        let Some(version) = version else { return Ok(connect) };
        if flags & 1 != 0 {
            return Err(Malformed("a reserved flag is set"));
        }
        let is_v5 = version == Version::V5;
        if is_v5 {
            connect.receive_maximum = self.properties()?.unwrap_or(u16::MAX);
        }
        connect.client_id = self.text()?;
        if connect.has_will {
            if is_v5 {
                self.properties()?;
            }
            self.binary()?;
            self.binary()?;
        }
        if flags & 0x80 != 0 {
            connect.user = Some(self.text()?);
        }
        if flags & 0x40 != 0 {
            connect.password = Some(self.text()?);
        }
        if connect.receive_maximum == 0 {
            return Err(Malformed("no message may wait"));
        }
        Ok(connect)
    }

    fn subscribe(&mut self, is_v5: bool) -> Read<Incoming> {
        let id = self.u16()?;
        if is_v5 {
            self.properties()?;
        }
        let mut wishes = Vec::new();
        while !self.0.is_empty() {
            let (filter, options) = (self.text()?, self.u8()?);
            let retain_handling = (options >> 4) & 0x03;
            let reserved = if is_v5 { options & 0xc0 } else { options & 0xfc };
            if options & 0x03 == 3 || retain_handling == 3 || reserved != 0 {
                return Err(Malformed("a subscription asks for what there is not"));
            }
            wishes.push(Wish {
                filter,
                qos: (options & 0x03).min(1),
                retain_as_published: options & 0x08 != 0,
                retain_handling,
            });
        }
        match wishes.len() {
            1..=MOST_FILTERS => Ok(Incoming::Subscribe(id, wishes)),
            _ => Err(Malformed("a subscription names no filter, or too many")),
        }
    }

    fn unsubscribe(&mut self, is_v5: bool) -> Read<Incoming> {
        let id = self.u16()?;
        if is_v5 {
            self.properties()?;
        }
        let mut filters = Vec::new();
        while !self.0.is_empty() {
            filters.push(self.text()?);
        }
        match filters.len() {
            1..=MOST_FILTERS => Ok(Incoming::Unsubscribe(id, filters)),
            _ => Err(Malformed("no filter is named, or too many")),
        }
    }
}

/// Why a client is not let in: the codes of both versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Neither 3.1.1 nor 5.
    Version,
    /// No such user or secret.
    BadCredential,
    /// Nobody may do this.
    NotAuthorized,
    /// Not now.
    Unavailable,
    /// As many of the user's are here as may.
    QuotaExceeded,
}

impl Refusal {
    fn code(self, version: Version) -> u8 {
        let (v4, v5) = match self {
            Self::Version => (1, 0x84),
            Self::BadCredential => (4, 0x86),
            Self::NotAuthorized => (5, 0x87),
            Self::Unavailable => (3, 0x88),
            Self::QuotaExceeded => (3, 0x97),
        };
        if version == Version::V4 { v4 } else { v5 }
    }
}

/// Writes packets for a client of one version.
#[derive(Debug, Clone, Copy)]
pub struct Writer(pub Version);

/// A subscription that is refused.
pub const SUBSCRIPTION_REFUSED: u8 = 0x80;

impl Writer {
    fn is_v5(self) -> bool {
        self.0 == Version::V5
    }

    /// It is in. `assigned` is its name where it gave none.
    pub fn welcome(self, out: &mut BytesMut, assigned: Option<&str>) {
        let mut body = BytesMut::from(&[0, 0][..]);
        if self.is_v5() {
            // At most quality of service 1; packets up to so many bytes; no shared subscriptions.
            let mut properties = BytesMut::from(&[0x24, 1, 0x2a, 0, 0x27][..]);
            properties.put_u32(u32::try_from(LARGEST).unwrap_or(u32::MAX));
            // Nothing is kept for who is away.
            properties.put_slice(&[0x11, 0, 0, 0, 0]);
            if let Some(name) = assigned {
                properties.put_u8(0x12);
                put_text(&mut properties, name);
            }
            put_varint(&mut body, properties.len());
            body.put(properties);
        }
        put(out, 0x20, &body);
    }

    /// It is not let in.
    pub fn refuse(self, out: &mut BytesMut, why: Refusal) {
        let code = why.code(self.0);
        let body: &[u8] = if self.is_v5() { &[0, code, 0] } else { &[0, code] };
        put(out, 0x20, body);
    }

    /// It has to go, for a reason of version 5; 3.1.1 has no word for it.
    pub fn send_away(self, out: &mut BytesMut, code: u8) {
        if self.is_v5() {
            put(out, 0xe0, &[code, 0]);
        }
    }

    /// What became of a subscription: a quality of service or a refusal for each filter.
    pub fn subscribed(self, out: &mut BytesMut, id: u16, codes: &[u8]) {
        self.answer(out, 0x90, id, codes);
    }

    /// It gets no more of what it gave up.
    pub fn unsubscribed(self, out: &mut BytesMut, id: u16, filters: usize) {
        let codes = vec![0; if self.is_v5() { filters } else { 0 }];
        self.answer(out, 0xb0, id, &codes);
    }

    fn answer(self, out: &mut BytesMut, first: u8, id: u16, codes: &[u8]) {
        let mut body = BytesMut::with_capacity(3 + codes.len());
        body.put_u16(id);
        if self.is_v5() {
            body.put_u8(0);
        }
        body.put_slice(codes);
        put(out, first, &body);
    }

    /// The server lives, too.
    pub fn pong(self, out: &mut BytesMut) {
        put(out, 0xd0, &[]);
    }

    /// A message; with an `id` it wants to hear that it came.
    pub fn message(
        self,
        out: &mut BytesMut,
        topic: &str,
        payload: &[u8],
        id: Option<u16>,
        retain: bool,
    ) {
        let first = 0x30 | u8::from(id.is_some()) << 1 | u8::from(retain);
        let length = 2 + topic.len() + usize::from(id.is_some()) * 2 + usize::from(self.is_v5());
        out.reserve(5 + length + payload.len());
        out.put_u8(first);
        put_varint(out, length + payload.len());
        put_text(out, topic);
        if let Some(id) = id {
            out.put_u16(id);
        }
        if self.is_v5() {
            out.put_u8(0);
        }
        out.put_slice(payload);
    }
}

fn put(out: &mut BytesMut, first: u8, body: &[u8]) {
    out.put_u8(first);
    put_varint(out, body.len());
    out.put_slice(body);
}

/// Ours are short: topics are made of ids and names of fuels, cut to fit.
fn put_text(out: &mut BytesMut, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.put_u16(length);
    out.put_slice(&text.as_bytes()[..length.into()]);
}

fn put_varint(out: &mut BytesMut, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        out.put_u8(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rumqttc::{
        mqttbytes::v4::{self, Packet},
        v5::mqttbytes::v5,
    };

    use super::*;

    fn incoming(written: &[u8], version: Option<Version>) -> Incoming {
        let mut buffer = BytesMut::from(written);
        let (first, body) = take(&mut buffer).unwrap().unwrap();
        assert!(buffer.is_empty());
        decode(first, body, version).unwrap()
    }

    #[test]
    fn a_client_of_3_1_1_is_understood() {
        let mut connect = v4::Connect::new("me");
        connect.set_login("ann", "tpk_secret");
        let mut bytes = BytesMut::new();
        connect.write(&mut bytes).unwrap();
        let Incoming::Connect(read) = incoming(&bytes, None) else { panic!("a connect") };
        assert_eq!((read.version, read.client_id.as_str()), (Some(Version::V4), "me"));
        assert_eq!(read.password.as_deref(), Some("tpk_secret"));
        assert!(!read.has_will);
        let mut bytes = BytesMut::new();
        v4::Subscribe::new("grid/#", rumqttc::QoS::ExactlyOnce).write(&mut bytes).unwrap();
        let Incoming::Subscribe(_, wishes) = incoming(&bytes, Some(Version::V4)) else { panic!() };
        assert_eq!((wishes[0].filter.as_str(), wishes[0].qos), ("grid/#", 1));
    }

    #[test]
    fn what_is_written_is_read_by_others() {
        let mut out = BytesMut::new();
        Writer(Version::V4).message(&mut out, "grid/GB/mix/gas", b"{}", Some(7), true);
        let Packet::Publish(read) = Packet::read(&mut out, 1 << 20).unwrap() else { panic!() };
        assert_eq!((read.topic.as_str(), read.pkid, read.retain), ("grid/GB/mix/gas", 7, true));
        let large = vec![b'x'; 40_000];
        Writer(Version::V5).message(&mut out, "t", &large, None, false);
        let v5::Packet::Publish(read) = v5::Packet::read(&mut out, Some(1 << 20)).unwrap() else {
            panic!()
        };
        assert_eq!(read.payload, large);
        Writer(Version::V5).welcome(&mut out, Some("made"));
        let v5::Packet::ConnAck(read) = v5::Packet::read(&mut out, None).unwrap() else { panic!() };
        let properties = read.properties.unwrap();
        assert_eq!(properties.assigned_client_identifier.as_deref(), Some("made"));
        assert_eq!(properties.max_qos, Some(1));
    }

    #[test]
    fn a_packet_comes_in_pieces_and_not_without_bound() {
        let whole = [0x82, 11, 0, 9, 0, 6, b'g', b'r', b'i', b'd', b'/', b'#', 1];
        for cut in 0..whole.len() {
            assert_eq!(take(&mut BytesMut::from(&whole[..cut])), Ok(None));
        }
        assert!(take(&mut BytesMut::from(&[0x30, 0xff, 0xff, 0xff, 0x7f][..])).is_err());
        assert!(take(&mut BytesMut::from(&[0x30, 0xff, 0xff, 0xff, 0xff][..])).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, first: u8, v5: bool) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some((first, body))) = take(&mut buffer) {
                _ = decode(first, body, None);
            }
            let version = if v5 { Version::V5 } else { Version::V4 };
            _ = decode(first, Bytes::from(bytes), Some(version));
        }
    }
}
