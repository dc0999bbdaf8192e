#include <fmt/format.h>

#include <algorithm>

#include "deepstream/app_parts.h"
#include "deepstream/platforms.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {
namespace {

struct Protocol {
  SinkKind kind;
  const char *name, *library, *since;
  uint32_t port;
  const char* secret;  // how to give a password
};

constexpr Protocol kProtocols[] = {
    {SinkKind::kKafka, "kafka", "libnvds_kafka_proto.so", "5.0", 9092,
     "Security and the like: msg-broker-config=<file with [message-broker]>, key proto-cfg."},
    {SinkKind::kMqtt, "mqtt", "libnvds_mqtt_proto.so", "6.3", 1883,
     "Name and password: the environment's USER_MQTT and PASSWORD_MQTT."},
    {SinkKind::kRedis, "redis", "libnvds_redis_proto.so", "5.1", 6379,
     "Password: the environment's PASSWORD_REDIS, or msg-broker-config=<file>."},
};

const Protocol* ProtocolOf(SinkKind kind) {
  for (const Protocol& protocol : kProtocols) {
    if (protocol.kind == kind) return &protocol;
  }
  return nullptr;
}

// Nothing waits for a clock where frames come at their own pace, or nobody looks.
void WritePace(const AppFacts& app, bool viewed, ConfigText& text) {
  const bool sync = viewed && !IsLive(app);
  text.Comment(sync ? "1: at the pace of the video."
                    : "0: as fast as it goes, not at the pace of the video.");
  text.Set("sync", sync ? 1U : 0U);
}

void WriteEncoder(const ModelFacts& model, ConfigText& text) {
  if (model.jetson && AtLeast(model, "6.3")) {
    text.Comment("An Orin Nano has no encoder: enc-type=1 there (software).");
  }
  text.Set("codec", 1U).Set("enc-type", 0U);
  text.Set("bitrate", 4000000U).Set("iframeinterval", 30U);
}

void WriteFile(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  text.Comment(
      "3: a file (1 none, 2 display, 4 RTSP). container 1: MP4, codec 1: H.264, enc-type 0: the "
      "hardware encoder.");
  text.Set("type", 3U).Set("container", 1U);
  WriteEncoder(model, text);
  WritePace(app, false, text);
  text.Set("source-id", 0U).Set("gpu-id", 0U);
  text.Comment("Relative to the folder where deepstream-app is started.");
  text.Set("output-file", app.output_file);
}

void WriteRtsp(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  text.Comment("4: RTSP, at rtsp://<device>:8554/ds-test. codec 1: H.264.");
  text.Set("type", 4U);
  WriteEncoder(model, text);
  text.Comment("udp-port: inside of the device only; another one for each RTSP sink.");
  text.Set("rtsp-port", 8554U).Set("udp-port", 5400U);
  WritePace(app, true, text);
  text.Set("source-id", 0U).Set("gpu-id", 0U);
}

void WriteDisplay(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  const bool overlay = model.jetson && !AtLeast(model, "6.1");
  if (overlay) {
    text.Comment(
        "5: the overlay of a Jetson's screen, without a desktop too (gone in 6.1; 2: a window).");
  } else if (model.jetson && AtLeast(model, "6.2")) {
    text.Comment("2: a window (nv3dsink on a Jetson; needs a desktop). 5: the screen without one.");
  } else {
    text.Comment("2: a window (EGL; needs a desktop).");
  }
  text.Set("type", overlay ? 5U : 2U);
  WritePace(app, true, text);
  text.Set("source-id", 0U).Set("gpu-id", 0U);
}

void WriteFake(const AppFacts& app, ConfigText& text) {
  text.Comment("1: nothing is shown or kept; to measure.");
  text.Set("type", 1U);
  WritePace(app, false, text);
  text.Set("source-id", 0U).Set("gpu-id", 0U);
}

void WriteMessages(const ModelFacts& model, const AppFacts& app, const Protocol& protocol,
                   ConfigText& text) {
  text.Comment("6: messages to a broker. deepstream-app takes one sink of this type only.");
  text.Set("type", 6U);
  text.Comment("What the messages call each source.");
  text.Set("msg-conv-config", app.message_config);
  text.Comment("1: one short message for all objects of a frame; 0: a long one for each object.");
  text.Set("msg-conv-payload-type", 1U);
  if (AtLeast(model, "6.0")) {
    text.Comment("1: made from the detections themselves; 0 needs a program that adds events.");
    text.Set("msg-conv-msg2p-new-api", 1U);
    text.Comment("A message every so many frames of a source.");
    text.Set("msg-conv-frame-interval", 30U);
  }
  text.Comment("Of the device: what speaks the broker's language.");
  text.Set("msg-broker-proto-lib", fmt::format("{}/lib/{}", kDeviceFolder, protocol.library));
  text.Comment("Host and port, with a ';' between them.");
  text.Comment(protocol.secret);
  text.Set("msg-broker-conn-str",
           fmt::format("{};{}", app.broker.host,
                       app.broker.port == 0 ? protocol.port : app.broker.port));
  text.Set("topic", app.broker.topic);
  text.Comment("0: messages do not wait for the pace of the video.").Set("sync", 0U);
}

void WriteSink(const ModelFacts& model, const AppFacts& app, SinkKind kind, ConfigText& text) {
  text.Set("enable", 1U);
  switch (kind) {
    case SinkKind::kFile:
      return WriteFile(model, app, text);
    case SinkKind::kDisplay:
      return WriteDisplay(model, app, text);
    case SinkKind::kRtsp:
      return WriteRtsp(model, app, text);
    case SinkKind::kFake:
      return WriteFake(app, text);
    case SinkKind::kKafka:
    case SinkKind::kMqtt:
    case SinkKind::kRedis:
      return WriteMessages(model, app, *ProtocolOf(kind), text);
  }
}

Error Refused(const Protocol& protocol, std::string what, std::string hint) {
  return {ErrorCode::kUnsupported, std::move(what), fmt::format("--sink {}", protocol.name),
          std::move(hint)};
}

Status CheckBroker(const ModelFacts& model, const AppFacts& app, const Protocol& protocol) {
  if (!AtLeast(model, protocol.since)) {
    return Refused(protocol,
                   fmt::format("DeepStream {} does not speak {} ({} and newer do)",
                               model.deepstream_version, protocol.name, protocol.since),
                   "take --sink kafka");
  }
  for (const std::string* text : {&app.broker.host, &app.broker.topic}) {
    if (!text->empty() && text->find_first_of("; \t\r\n") == std::string::npos) continue;
    return Refused(protocol, "host and topic of a broker are words without spaces and ';'",
                   "--broker HOST:PORT --topic NAME");
  }
  return {};
}

}  // namespace

bool IsBroker(SinkKind kind) { return ProtocolOf(kind) != nullptr; }

bool HasPicture(const AppFacts& app) {
  return std::any_of(app.sinks.begin(), app.sinks.end(),
                     [](SinkKind kind) { return kind != SinkKind::kFake && !IsBroker(kind); });
}

Status CheckSinks(const ModelFacts& model, const AppFacts& app) {
  const Protocol* known = nullptr;
  for (SinkKind kind : app.sinks) {
    if (std::count(app.sinks.begin(), app.sinks.end(), kind) > 1)
      return Error{ErrorCode::kUnsupported, "the same sink twice", "--sink",
                   "add the second one, with its own file or port, by hand"};
    const Protocol* protocol = ProtocolOf(kind);
    if (protocol == nullptr) continue;
    if (known != nullptr) {
      return Refused(*protocol, "deepstream-app sends to one broker only",
                     fmt::format("take --sink {} or --sink {}", known->name, protocol->name));
    }
    EDET_RETURN_IF_ERROR(CheckBroker(model, app, *protocol));
    known = protocol;
  }
  return {};
}

void WriteSinks(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  for (size_t i = 0; i < app.sinks.size(); ++i) {
    text.Group(fmt::format("sink{}", i));
    WriteSink(model, app, app.sinks[i], text);
  }
}

std::string MessageConfigText(const AppFacts& app) {
  const KeyTable none;
  ConfigText text(none, "");
  text.Comment("What DeepStream's messages call the sources: [sensorN] is the one of [sourceN].");
  for (size_t i = 0; i < SourceCount(app); ++i) {
    text.Group(fmt::format("sensor{}", i));
    text.Set("enable", 1U).Set("type", "Camera");
    if (i == 0) text.Comment("The sensorId of the messages.");
    text.Set("id", fmt::format("camera{}", i));
    if (i == 0) text.Comment("latitude;longitude;altitude, and a place on a map of your own.");
    text.Set("location", "0;0;0").Set("description", "").Set("coordinate", "0;0;0");
  }
  return text.Text(ConfigFormat::kIni);
}

}  // namespace edet::deepstream
