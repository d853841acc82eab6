//! Property identifiers, their names and types, and what each may be attached to, §2.2.2.2.

/// What a property may be attached to: a packet, or the will in a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PropertyOwner {
    Will = 0,
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    Disconnect = 14,
    Auth = 15,
}

impl PropertyOwner {
    const ALL: [(Self, &str); 14] = [
        (Self::Will, "will"),
        (Self::Connect, "connect"),
        (Self::ConnAck, "connack"),
        (Self::Publish, "publish"),
        (Self::PubAck, "puback"),
        (Self::PubRec, "pubrec"),
        (Self::PubRel, "pubrel"),
        (Self::PubComp, "pubcomp"),
        (Self::Subscribe, "subscribe"),
        (Self::SubAck, "suback"),
        (Self::Unsubscribe, "unsubscribe"),
        (Self::UnsubAck, "unsuback"),
        (Self::Disconnect, "disconnect"),
        (Self::Auth, "auth"),
    ];

    /// By its name on the command line, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(owner, _)| *owner)
    }
}

/// The data type of a property, numbered as Mosquitto does in its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PropertyType {
    Byte = 1,
    TwoByteInteger = 2,
    FourByteInteger = 3,
    VariableByteInteger = 4,
    Binary = 5,
    Text = 6,
    StringPair = 7,
}

/// A set of [`PropertyOwner`]s, a bit each.
type Owners = u16;

const fn among(owners: &[PropertyOwner]) -> Owners {
    let mut set = 0;
    let mut at = 0;
    while at < owners.len() {
        set |= 1 << owners[at] as u8;
        at += 1;
    }
    set
}

/// The type of a property with fields of these types.
const fn joined(fields: &[PropertyType]) -> PropertyType {
    if fields.len() == 1 { fields[0] } else { PropertyType::StringPair }
}

macro_rules! identifiers {
    ($(
        $(#[$comment:meta])*
        $variant:ident($($field:ident: $type:ident),+) = $number:literal, $name:literal $(=> $accessor:ident: $native:ty)?,
            in [$($allowed:ident),+] $(, repeatable in [$($repeatable:ident),+])?;
    )*) => {
        /// Property identifiers, §2.2.2.2.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum PropertyId {
            $($variant = $number,)*
        }

        impl PropertyId {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Mosquitto's name for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            pub const fn kind(self) -> PropertyType {
                match self {
                    $(Self::$variant => joined(&[$(PropertyType::$type),+]),)*
                }
            }

            const fn allowed(self) -> Owners {
                match self {
                    $(Self::$variant => const { among(&[$(PropertyOwner::$allowed),+]) },)*
                }
            }

            const fn repeatable(self) -> Owners {
                match self {
                    $(Self::$variant => const { among(&[$($(PropertyOwner::$repeatable),+)?]) },)*
                }
            }
        }
    };
}

property_table!(identifiers);

impl PropertyId {
    /// By Mosquitto's name for it, such as `message-expiry-interval`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|id| id.name().eq_ignore_ascii_case(name)).copied()
    }

    pub const fn is_allowed_in(self, owner: PropertyOwner) -> bool {
        self.allowed() & 1 << owner as u8 != 0
    }

    pub const fn is_repeatable_in(self, owner: PropertyOwner) -> bool {
        self.repeatable() & 1 << owner as u8 != 0
    }
}
