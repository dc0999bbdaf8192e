# STAND-IN. Sourced by the others: what the release in $STAND_IN/release stands for.
# shellcheck shell=sh disable=SC2034
case $(cat "$STAND_IN/release") in
  32.*) deepstream=6.0.1 cuda=10.2 tensorrt=8.2.1 package=8.2.1-1+cuda10.2 glibc=2.27 ;;
  35.*) deepstream=6.3.0 cuda=11.4 tensorrt=8.5.2 package=8.5.2-1+cuda11.4 glibc=2.31 ;;
  *) deepstream=7.1.0 cuda=12.6 tensorrt=10.3.0 package=10.3.0.30-1+cuda12.5 glibc=2.35 ;;
esac
