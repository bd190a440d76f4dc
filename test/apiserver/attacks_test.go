package apiserver_test

import (
	"fmt"
	"net"
	"strings"
)

// attack is what many clients do at once, again and again.
type attack struct {
	name      string
	clients   int
	addresses int           // that they come from; 0 is one
	plain     bool          // without a handshake; nothing is expected but to be evicted
	begin     func() string // what is said first
	more      string        // and then, ten times a second; where that is nothing, an answer is read
	protocols []string      // of TLS
}

// attacks on the webhook's port.
var attacks = []attack{
	{name: "connections that say nothing", clients: 2000, plain: true, begin: verbatim("")},
	{name: "connections that say nothing, of 1,000 addresses", clients: 2000, addresses: 1000, plain: true, begin: verbatim("")},
	{name: "half a handshake", clients: 500, plain: true, begin: verbatim("\x16\x03\x01\x02\x00\x01\x00")},
	{name: "headers that trickle", clients: 300, begin: verbatim("POST /inject/annotated HTTP/1.1\r\nHost: x\r\n"), more: "X-A: b\r\n"},
	{name: "headers that trickle, of 600 addresses", clients: 600, addresses: 600, begin: verbatim("POST /inject/annotated HTTP/1.1\r\nHost: x\r\n"), more: "X-A: b\r\n"},
	{name: "a header that does not end", clients: 50, begin: verbatim("POST /inject/annotated HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1<<20))},
	{name: "bodies that trickle", clients: 300, begin: verbatim(post("application/json", "Content-Length: 4000000\r\n")), more: "{\"a\":"},
	{name: "large bodies that do not end", clients: 50, begin: func() string {
		return post("application/json", "Content-Length: 4000000\r\n") + "{\"" + strings.Repeat("a", 3_900_000)
	}, more: "a"},
	{name: "bodies that are too large", clients: 20, begin: func() string { return body("application/json", strings.Repeat("x", 20<<20)) }},
	{name: "chunks without an end", clients: 20, begin: func() string {
		return post("application/json", "Transfer-Encoding: chunked\r\n") + strings.Repeat("10000\r\n"+strings.Repeat("y", 0x10000)+"\r\n", 128)
	}},
	{name: "a bomb of gzip", clients: 20, begin: func() string {
		b := bombed()
		return post("application/json", fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(b))) + b
	}},
	{name: "lists of empty containers", clients: 20, begin: func() string {
		return body("application/json", reviewOf(`{"spec":{"containers":[{}`+strings.Repeat(",{}", 1_000_000)+`]}}`))
	}},
	{name: "as many items as are let in", clients: 20, begin: func() string {
		return body("application/json", reviewOf(`{"metadata":{"annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[0`+strings.Repeat(",0", 9_900)+`]}}`))
	}},
	{name: "nested deeply", clients: 20, begin: func() string {
		return body("application/json", reviewOf(strings.Repeat(`{"a":[`, 200_000)+strings.Repeat("]}", 200_000)))
	}},
	{name: "a key a hundred thousand times", clients: 20, begin: func() string {
		return body("application/json", reviewOf(`{`+strings.Repeat(`"metadata":{"name":"a"},`, 100_000)+`"kind":"Pod"}`))
	}},
	{name: "YAML", clients: 20, begin: func() string {
		return body("application/json", "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n"+strings.Repeat("- - - a\n", 100_000))
	}},
	{name: "another type", clients: 20, begin: func() string { return body("text/plain", reviewOf(`{}`)) }},
	{name: "another method", clients: 20, begin: verbatim("DELETE /inject/annotated HTTP/1.1\r\nHost: x\r\n\r\n")},
	{name: "a namespace that is not there", clients: 20, begin: func() string {
		return body("application/json", strings.Replace(reviewOf(`{"metadata":{"annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[{"name":"a","image":"redis"}]}}`), `"default"`, `"nowhere"`, 1))
	}},
	{name: "HTTP/2: SETTINGS and PING", clients: 50, begin: func() string { return http2(4, 0, "") + strings.Repeat(frame(6, 0, 0, "12345678"), 10_000) }},
	{name: "HTTP/2: streams that are reset", clients: 50, begin: func() string {
		var b strings.Builder
		for id := uint32(1); id < 20_000; id += 2 {
			b.WriteString(frame(1, 5, id, "\x83\x86\x84\x87") + frame(3, 0, id, "\x00\x00\x00\x08"))
		}
		return http2(4, 0, "") + b.String()
	}},
	{name: "HTTP/2: CONTINUATION without an end", clients: 50, begin: func() string {
		return http2(1, 0, "\x83") + strings.Repeat(frame(9, 0, 1, strings.Repeat("\x00", 16000)), 200)
	}},
	{name: "HTTP/2 is asked for in the handshake", clients: 20, begin: func() string { return http2(4, 0, "") }, protocols: []string{"h2"}},
}

func verbatim(s string) func() string { return func() string { return s } }

// address is that of a client. None is the API server's, as none of a pod is: a client at that address may be evicted in its place.
func (a attack) address(client int) net.IP {
	n := client % max(1, a.addresses)
	return net.IPv4(127, 0, 66+byte(n/250), 1+byte(n%250))
}
