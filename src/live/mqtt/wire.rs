//! How bytes come and go: by TCP, or in the messages of a WebSocket.

use std::{io, time::Duration};

use axum::extract::ws::{self, WebSocket};
use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How long a client may take nothing of what is sent to it.
const STALLED: Duration = Duration::from_secs(20);

/// A connection.
#[derive(Debug)]
pub enum Wire {
    /// TCP.
    Tcp(TcpStream),
    /// A WebSocket.
    Web(Box<WebSocket>),
}

impl Wire {
    /// Reads what there is into `buffer`; false at the end. May be given up half-way without a loss.
    pub async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<bool> {
        match self {
            Self::Tcp(stream) => Ok(stream.read_buf(buffer).await? > 0),
            Self::Web(socket) => loop {
                match socket.recv().await {
                    None | Some(Ok(ws::Message::Close(_))) => return Ok(false),
                    Some(Err(error)) => return Err(io::Error::other(error)),
                    Some(Ok(ws::Message::Binary(bytes))) => {
                        buffer.extend_from_slice(&bytes);
                        return Ok(true);
                    }
                    Some(Ok(ws::Message::Text(_))) => {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "text"));
                    }
                    Some(Ok(ws::Message::Ping(_) | ws::Message::Pong(_))) => {}
                }
            },
        }
    }

    /// Writes all of `bytes`; fails where the client takes nothing for long.
    pub async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        let writing = async {
            match self {
                Self::Tcp(stream) => stream.write_all(&bytes).await,
                Self::Web(socket) => {
                    socket.send(ws::Message::Binary(bytes)).await.map_err(io::Error::other)
                }
            }
        };
        timeout(STALLED, writing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}
