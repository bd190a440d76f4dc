package endpoint

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// least and most bound the ports that are given away. Those that the kernel hands out, above 32768 by default, are taken
// by connections before a program could listen on them; those from 30000 on are node ports of a cluster on this machine.
const least, most = 20000, 30000

// lastPort is the one that this process gave away last.
var lastPort atomic.Int64

// FreeFor returns Free's address, and fails the test where there is none.
func FreeFor(t interface {
	Helper()
	Fatal(args ...any)
}) string {
	t.Helper()
	address, err := Free()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Free returns an address of 127.0.0.1 on which nobody listens, another one each time. Processes that run side by side
// begin at different ports.
func Free() (string, error) {
	for range most - least {
		address := fmt.Sprintf("127.0.0.1:%d", least+(int64(os.Getpid())*64+lastPort.Add(1))%(most-least))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("find a free port: there is none")
}
