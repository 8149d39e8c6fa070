//! The frame: 16 header bytes, little-endian, then the body (wire.md §1).

use bytes::{BufMut, Bytes, BytesMut};

use crate::limits::HEADER_BYTES;

/// First byte of every frame: protocol mark 0xC, version 1.
pub const MAGIC_V1: u8 = 0xC1;
/// Flag of a frame that answers a request.
pub const FLAG_RESPONSE: u8 = 0b01;
/// Flag of a frame whose body is compressed (wire.md §5).
pub const FLAG_COMPRESSED: u8 = 0b10;
/// Versions of the protocol this build speaks.
pub const VERSIONS: [u32; 1] = [1];

/// The fields of a header but the checksum, which belongs to a whole frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// `FLAG_*` bits.
    pub flags: u8,
    /// What the body is: a number of `PacketKind`, or one we do not know.
    pub kind: u16,
    /// Bytes of the body.
    pub length: u32,
    /// Request id; 0 in a push.
    pub sequence: u32,
}

/// A frame whose checksum was right. The body shares the buffer it was received in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The header.
    pub header: Header,
    /// The body.
    pub body: Bytes,
}

/// Why a stream of bytes is not a stream of frames. Each one ends the connection (wire.md §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// The first byte does not mark our protocol: close, and send nothing.
    NotOurs {
        /// The byte found.
        found: u8,
    },
    /// Our protocol in a version we do not speak: status 201.
    UnknownVersion {
        /// The version found.
        version: u8,
    },
    /// A reserved flag is set: status 509.
    ReservedFlag {
        /// All flags found.
        flags: u8,
    },
    /// The frame is compressed, and no codec was agreed on: status 509.
    Compressed,
    /// The length field promises more than the limit; nothing was allocated for it: status 509.
    TooLong {
        /// Bytes of the whole frame.
        bytes: u64,
        /// The limit for whole frames.
        max: usize,
    },
    /// The checksum is not the one computed over header and body: status 509.
    BadChecksum {
        /// The checksum in the header.
        found: u32,
        /// The one computed.
        computed: u32,
    },
    /// The transport failed or ended within a frame; there is nobody to tell.
    Transport,
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FrameError::NotOurs { found } => write!(f, "first byte {found:#04x} is not this protocol's"),
            FrameError::UnknownVersion { version } => write!(f, "protocol version {version} is not supported"),
            FrameError::ReservedFlag { flags } => write!(f, "reserved flag set in {flags:#04x}"),
            FrameError::Compressed => write!(f, "compressed frame, but no codec was agreed on"),
            FrameError::TooLong { bytes, max } => write!(f, "frame of {bytes} bytes is over the limit of {max}"),
            FrameError::BadChecksum { found, computed } => {
                write!(f, "checksum {found:#010x} in the header, {computed:#010x} computed")
            }
            FrameError::Transport => write!(f, "the transport failed or ended within a frame"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<std::io::Error> for FrameError {
    fn from(_: std::io::Error) -> FrameError {
        FrameError::Transport
    }
}

impl Frame {
    /// A frame around a body. The body's length must be within the peer's limit.
    pub fn new(kind: u16, flags: u8, sequence: u32, body: Bytes) -> Frame {
        let length = u32::try_from(body.len()).expect("bodies are bounded by FRAME_BYTES_CEILING");
        Frame { header: Header { flags, kind, length, sequence }, body }
    }

    /// Whether this frame answers a request.
    pub fn is_response(&self) -> bool {
        self.header.flags & FLAG_RESPONSE != 0
    }

    /// Bytes of the frame on the wire.
    pub fn wire_len(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }

    /// The checksum the frame has on the wire.
    pub fn checksum(&self) -> u32 {
        checksum(&self.header.to_bytes(), &self.body)
    }

    /// Appends the frame's bytes to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        out.reserve(self.wire_len());
        let start = out.len();
        out.put_slice(&self.header.to_bytes());
        out.put_u32_le(self.checksum());
        out.put_slice(&self.body);
        debug_assert_eq!(out.len() - start, self.wire_len(), "the length field counts the body");
    }
}

impl Header {
    /// What stands before the checksum.
    #[inline]
    fn to_bytes(self) -> [u8; CHECKSUM_AT] {
        let mut bytes = [MAGIC_V1, self.flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes[2..4].copy_from_slice(&self.kind.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.sequence.to_le_bytes());
        bytes
    }
}

/// Appends the frame of a message to `out`, whose body is written in place.
pub fn encode_message(out: &mut BytesMut, kind: u16, flags: u8, sequence: u32, message: &impl prost::Message) {
    let body_len = message.encoded_len();
    let length = u32::try_from(body_len).expect("bodies are bounded by FRAME_BYTES_CEILING");
    let header = Header { flags, kind, length, sequence }.to_bytes();
    out.reserve(HEADER_BYTES + body_len);
    let start = out.len();
    out.put_slice(&header);
    out.put_u32_le(0);
    message.encode_raw(out);
    let sum = checksum(&header, &out[start + HEADER_BYTES..]);
    out[start + CHECKSUM_AT..start + HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
}

/// Where the checksum stands in the header, and how many bytes stand before it.
pub(super) const CHECKSUM_AT: usize = 12;

/// CRC-32 over header bytes 0-11 followed by the body (wire.md §1).
#[inline]
pub(super) fn checksum(header: &[u8; CHECKSUM_AT], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(body);
    hasher.finalize()
}
