//! The table of §2.2.2.2: each property's value, identifier, name on the command line, and owners.

/// Hands the rows to the macro with the given name, which makes types or their codec of them.
macro_rules! property_table {
    ($make:ident) => {
        $make! {
            PayloadFormatIndicator(value: Byte) = 0x01, "payload-format-indicator" => payload_format_indicator: u8,
                in [Publish, Will];
            /// Seconds.
            MessageExpiryInterval(value: FourByteInteger) = 0x02, "message-expiry-interval" => message_expiry_interval: u32,
                in [Publish, Will];
            /// A string [MQTT-3.3.2-19].
            ContentType(value: Text) = 0x03, "content-type" => content_type: ByteString, in [Publish, Will];
            /// A string [MQTT-3.3.2-13], and a topic name.
            ResponseTopic(value: Text) = 0x08, "response-topic" => response_topic: ByteString, in [Publish, Will];
            CorrelationData(value: Binary) = 0x09, "correlation-data" => correlation_data: Bytes, in [Publish, Will];
            /// 1 to 268,435,455.
            SubscriptionIdentifier(value: VariableByteInteger) =
                0x0B, "subscription-identifier" => subscription_identifier: u32,
                in [Publish, Subscribe], repeatable in [Publish];
            /// Seconds; `u32::MAX` = never expires.
            SessionExpiryInterval(value: FourByteInteger) = 0x11, "session-expiry-interval" => session_expiry_interval: u32,
                in [Connect, ConnAck, Disconnect];
            AssignedClientIdentifier(value: Text) =
                0x12, "assigned-client-identifier" => assigned_client_identifier: ByteString,
                in [ConnAck];
            /// Seconds.
            ServerKeepAlive(value: TwoByteInteger) = 0x13, "server-keep-alive" => server_keep_alive: u16, in [ConnAck];
            AuthenticationMethod(value: Text) = 0x15, "authentication-method" => authentication_method: ByteString,
                in [Connect, ConnAck, Auth];
            AuthenticationData(value: Binary) = 0x16, "authentication-data" => authentication_data: Bytes,
                in [Connect, ConnAck, Auth];
            RequestProblemInformation(value: Byte) = 0x17, "request-problem-information" => request_problem_information: u8,
                in [Connect];
            /// Seconds.
            WillDelayInterval(value: FourByteInteger) = 0x18, "will-delay-interval" => will_delay_interval: u32, in [Will];
            RequestResponseInformation(value: Byte) = 0x19, "request-response-information" => request_response_information: u8,
                in [Connect];
            ResponseInformation(value: Text) = 0x1A, "response-information" => response_information: ByteString, in [ConnAck];
            ServerReference(value: Text) = 0x1C, "server-reference" => server_reference: ByteString, in [ConnAck, Disconnect];
            ReasonString(value: Text) = 0x1F, "reason-string" => reason_string: ByteString,
                in [ConnAck, PubAck, PubRec, PubRel, PubComp, SubAck, UnsubAck, Disconnect, Auth];
            ReceiveMaximum(value: TwoByteInteger) = 0x21, "receive-maximum" => receive_maximum: u16, in [Connect, ConnAck];
            TopicAliasMaximum(value: TwoByteInteger) = 0x22, "topic-alias-maximum" => topic_alias_maximum: u16,
                in [Connect, ConnAck];
            TopicAlias(value: TwoByteInteger) = 0x23, "topic-alias" => topic_alias: u16, in [Publish];
            MaximumQoS(value: Byte) = 0x24, "maximum-qos" => maximum_qos: u8, in [ConnAck];
            RetainAvailable(value: Byte) = 0x25, "retain-available" => retain_available: u8, in [ConnAck];
            /// Two strings [MQTT-1.5.7-1].
            UserProperty(name: Text, value: Text) = 0x26, "user-property",
                in [Will, Connect, ConnAck, Publish, PubAck, PubRec, PubRel, PubComp, Subscribe, SubAck, Unsubscribe,
                    UnsubAck, Disconnect, Auth],
                repeatable in [Will, Connect, ConnAck, Publish, PubAck, PubRec, PubRel, PubComp, Subscribe, SubAck, Unsubscribe,
                    UnsubAck, Disconnect, Auth];
            /// Bytes.
            MaximumPacketSize(value: FourByteInteger) = 0x27, "maximum-packet-size" => maximum_packet_size: u32,
                in [Connect, ConnAck];
            WildcardSubscriptionAvailable(value: Byte) =
                0x28, "wildcard-subscription-available" => wildcard_subscription_available: u8,
                in [ConnAck];
            SubscriptionIdentifierAvailable(value: Byte) =
                0x29, "subscription-identifier-available" => subscription_identifier_available: u8,
                in [ConnAck];
            SharedSubscriptionAvailable(value: Byte) =
                0x2A, "shared-subscription-available" => shared_subscription_available: u8,
                in [ConnAck];
        }
    };
}
