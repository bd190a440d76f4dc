/*
Package stack runs the chart's servers on this machine without a cluster: the real programs, with the arguments and files that
the chart renders, except for their folders and ports.

# Decision: the programs themselves, not only their Go packages

A program can refuse a configuration that its Go package reads, for example because a flag does not exist in that mode or a
file is missing. What the chart runs beside a server (the reloader of Alertmanager, the script of "helm test") can only be proven
with the server. The tests of the cluster see all of it once; this package sees each mode, in seconds.
*/
package stack
