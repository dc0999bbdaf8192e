#pragma once

#include "lint/referenced_files.h"
#include "lint/report.h"

namespace edet::lint {

// An nvinfer config, and the app's group that names it, if one does: what stands there overrules
// the file.
struct NvinferUse {
  const ConfigText* file = nullptr;
  const ConfigText* app = nullptr;
  std::string group;  // "primary-gie"
};

void CheckNvinfer(const NvinferUse& use, ReferencedFiles& files, Report& report);

// The parts of it: the network, its input and outputs; the parser library; the engine's name.
void CheckModel(const NvinferUse& use, const onnx_format::ModelOutline& model, Report& report);
void CheckLibrary(const NvinferUse& use, ReferencedFiles& files, Report& report);
void CheckEngine(const NvinferUse& use, Report& report);

// A number of the file, unless the app's group overrules it.
int OverruledInt(const NvinferUse& use, const std::string& key, int absent);
// 0 detector, 1 classifier, ..., from network-type or is-classifier.
int NetworkType(const ConfigText& file);

}  // namespace edet::lint
