// Writes a checkpoint's variables as Keras' save_weights does: groups <top layer>/<full name>:0.
// Averaged values where the checkpoint has them.
//
//   write_keras_h5 CHECKPOINT OUT.h5
#include <hdf5.h>

#include <cstdio>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace {
using edet::checkpoint::Checkpoint;

// False if HDF5 refuses.
bool WriteVariable(hid_t file, hid_t links, const std::string& path,
                   const std::vector<int64_t>& shape, const std::vector<float>& values) {
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  hid_t space = extent.empty()
                    ? H5Screate(H5S_SCALAR)
                    : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr);
  hid_t dataset =
      H5Dcreate2(file, path.c_str(), H5T_IEEE_F32LE, space, links, H5P_DEFAULT, H5P_DEFAULT);
  bool good = dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                       values.data()) >= 0;
  if (dataset >= 0) H5Dclose(dataset);
  H5Sclose(space);
  return good;
}

int WriteAll(const Checkpoint& checkpoint, hid_t file, hid_t links) {
  for (const std::string& name : checkpoint.BaseVariables()) {
    std::string source = checkpoint.HasEma(name) ? Checkpoint::EmaName(name) : name;
    auto values = checkpoint.ReadFloats(source);
    std::string path = name.substr(0, name.find('/') + 1) + name + ":0";
    if (!values.ok()) return std::fprintf(stderr, "%s\n", values.error().ToString().c_str()), 3;
    if (!WriteVariable(file, links, path, checkpoint.Find(name)->shape, *values)) {
      return std::fprintf(stderr, "cannot write %s\n", path.c_str()), 3;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "write_keras_h5 CHECKPOINT OUT.h5\n"), 2;
  auto checkpoint = Checkpoint::Open(argv[1]);
  if (!checkpoint.ok()) {
    return std::fprintf(stderr, "%s\n", checkpoint.error().ToString().c_str()), 3;
  }
  hid_t file = H5Fcreate(argv[2], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) return std::fprintf(stderr, "cannot write %s\n", argv[2]), 3;
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  int code = WriteAll(*checkpoint, file, links);
  H5Pclose(links);
  H5Fclose(file);
  return code;
}
