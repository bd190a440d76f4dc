local k = import "k.libsonnet";
{ pod: k.pod("redis") { spec+: { containers: [] } } }
