// Makes a test program a host of DeepStream 9.1: the function that a parser library asks for its
// version.
extern "C" __attribute__((visibility("default"))) void nvds_version(unsigned* major,
                                                                    unsigned* minor) {
  *major = 9;
  *minor = 1;
}
