// Package nodes_test holds what a local cluster of three nodes and two API servers is: everything reaches
// everything it may, and nothing of it is left on the machine. Faults of nodes are in test/faults.
package nodes_test
