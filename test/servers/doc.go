// Package servers has the servers of the catalog that can run here, each as a pod from images of test/cluster/image, and starts
// them with their exporters in a sandbox. Its test holds that each exporter reaches its server; test/cost measures what that costs.
//
// # Decision: Debian's version of a program stands for the pinned one
//
// No image can be pulled here, and some exporters are in no Go module that can be fetched. What is held is that the server, the
// port, the flags and the up metric of a definition belong together. Image.Actual says which version was run.
package servers
