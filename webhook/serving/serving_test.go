package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// conn is a connection from an address that notes its end.
type conn struct {
	net.Conn
	from   string
	closed bool
}

func (c *conn) RemoteAddr() net.Addr {
	a, _ := net.ResolveTCPAddr("tcp", c.from+":1")
	return a
}

func (c *conn) Close() error {
	c.closed = true
	return nil
}

// opened has a connection from a host opened, as the server does.
func opened(c *connections, host string) *conn {
	of := &conn{from: host}
	c.open(context.Background(), of)
	c.change(of, http.StateNew)
	return of
}

// The host with the most connections loses the one that has been in its state for the longest; no other loses any.
func TestEvictByHost(t *testing.T) {
	c := newConnections(4 * small)
	honest := opened(c, "10.0.0.1")
	many := []*conn{opened(c, "10.0.0.2"), opened(c, "10.0.0.2"), opened(c, "10.0.0.2")}
	c.change(many[0], http.StateIdle)
	many = append(many, opened(c, "10.0.0.2"))
	if honest.closed || many[0].closed || !many[1].closed || many[2].closed || many[3].closed {
		t.Errorf("closed: %v, %v %v %v %v", honest.closed, many[0].closed, many[1].closed, many[2].closed, many[3].closed)
	}
	c.change(many[1], http.StateClosed) // the server learns of it
	for _, of := range []*conn{honest, many[0], many[2], many[3]} {
		c.change(of, http.StateClosed)
	}
	if len(c.byConn)+c.held != 0 {
		t.Errorf("something is left: %d, %d bytes", len(c.byConn), c.held)
	}
}

// Where clients have an address each, it is the oldest of those that were never answered; those that were stay.
func TestEvictUnanswered(t *testing.T) {
	c := newConnections(12 * small)
	honest := []*conn{opened(c, "10.0.0.1"), opened(c, "10.0.0.1")}
	for _, of := range honest {
		c.change(of, http.StateActive)
		c.change(of, http.StateIdle)
	}
	var attackers []*conn
	for i := range 20 {
		attackers = append(attackers, opened(c, fmt.Sprint("10.0.1.", i)))
	}
	late := opened(c, "10.0.0.1") // has as long as it takes the others to become many again
	for i := range 2 {
		attackers = append(attackers, opened(c, fmt.Sprint("10.0.2.", i)))
	}
	if honest[0].closed || honest[1].closed || late.closed || len(c.byConn) != 12 {
		t.Errorf("closed: %v %v, %v; there are %d", honest[0].closed, honest[1].closed, late.closed, len(c.byConn))
	}
	for i, of := range attackers {
		if of.closed != (i < len(attackers)-9) {
			t.Errorf("attacker %d of %d: closed %v", i, len(attackers), of.closed)
		}
	}
}

// The host whose bodies hold the most loses the one that takes the longest; the others keep theirs.
func TestEvictLarge(t *testing.T) {
	c := newConnections(20 * small)
	honest := opened(c, "10.0.0.1")
	greedy := []*conn{opened(c, "10.0.0.2"), opened(c, "10.0.0.2"), opened(c, "10.0.0.2")}
	all := map[*conn]*connection{}
	for of, bodies := range map[*conn]int{honest: 8, greedy[0]: 5, greedy[1]: 6, greedy[2]: 1} {
		if all[of] = c.byConn[of]; !all[of].hold(bodies * small) {
			t.Errorf("there is no memory for %d", bodies)
		}
	}
	c.change(greedy[0], http.StateActive)
	if !all[honest].hold(9*small) || !greedy[1].closed || honest.closed || greedy[0].closed || greedy[2].closed {
		t.Errorf("closed: %v, %v %v %v", honest.closed, greedy[0].closed, greedy[1].closed, greedy[2].closed)
	}
	if all[greedy[1]].hold(1) || c.held != 15*small {
		t.Errorf("an evicted connection still counts: %d", c.held/small)
	}
	if all[greedy[0]].hold(20*small) || !greedy[0].closed || honest.closed {
		t.Error("the largest body evicts others")
	}
	for _, of := range all {
		of.hold(0)
	}
	if c.held != small {
		t.Errorf("%d are not given back", c.held)
	}
}

// Where clients have an address each, their large bodies evict none of a host that was answered.
func TestEvictLargeUnanswered(t *testing.T) {
	c := newConnections(20 * small)
	honest := opened(c, "10.0.0.1")
	c.change(honest, http.StateIdle)
	if !c.byConn[honest].hold(5 * small) {
		t.Error("there is no memory")
	}
	for i := range 10 {
		c.byConn[opened(c, fmt.Sprint("10.0.1.", i))].hold(4 * small)
	}
	if honest.closed || len(c.byConn) != 4 || c.held != 17*small {
		t.Errorf("closed: %v; there are %d, that hold %d", honest.closed, len(c.byConn), c.held/small)
	}
}

func TestItems(t *testing.T) {
	for raw, want := range map[string]int{
		`{"a":[1,2,{"b":3,"c":[4,5]}],"d":"[1,2,3","e":"\",["}`: 3,
		`{"a":1,"b":2}`: 0,
		`[[],[],[]]`:    2,
		`]]}},,[,`:      1,
		`{"a":"`:        0,
		`"\`:            0,
	} {
		if got := items([]byte(raw)); got != want {
			t.Errorf("%s: %d items, want %d", raw, got, want)
		}
	}
}

// FuzzItems counts what a decoder finds.
func FuzzItems(f *testing.F) {
	for _, raw := range []string{`{"a":[1,2,{"b":3,"c":[4,5]}],"d":"[1,2,3","e":"\",["}`, `[[],[],[ ]]`, ` [ 1 , "\\" ] `, `"\u0022,"`} {
		f.Add([]byte(raw))
	}
	var count func(any) int
	count = func(value any) (n int) {
		switch v := value.(type) {
		case []any:
			n = max(0, len(v)-1)
			for _, item := range v {
				n += count(item)
			}
		case map[string]any:
			for _, item := range v {
				n += count(item)
			}
		}
		return n
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := items(raw) // of anything
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return
		}
		if want := count(value); got < want { // of a key that stands twice, the decoder keeps the last
			t.Errorf("%s: %d items, want %d", raw, got, want)
		}
	})
}

func TestReviews(t *testing.T) {
	c := newConnections(2 * small)
	var got []byte
	handler := Reviews(t.Context(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }))
	for name, tc := range map[string]struct {
		method, kind, encoding, body string
		want                         int
	}{
		"what is asked for":     {"POST", "application/json", "", ` {"a":1}`, 200},
		"with a character set":  {"POST", "application/json; charset=utf-8", "", `{}`, 200},
		"a larger one":          {"POST", "application/json", "", `{"` + strings.Repeat("a", 2*small-100) + `":1}`, 200},
		"more than all share":   {"POST", "application/json", "", `{"` + strings.Repeat("a", 2*small) + `":1}`, 503},
		"larger than any":       {"POST", "application/json", "", `{"` + strings.Repeat("a", mostBody) + `":1}`, 413},
		"of no length":          {"POST", "application/json", "", "", 411},
		"many items":            {"POST", "application/json", "", `{"a":[0` + strings.Repeat(",0", mostItems) + `]}`, 200},
		"too many items":        {"POST", "application/json", "", `{"a":[0` + strings.Repeat(",0", mostItems+1) + `]}`, 413},
		"many keys":             {"POST", "application/json", "", `{"a":0` + strings.Repeat(`,"a":0`, 1000) + `}`, 200},
		"YAML":                  {"POST", "application/json", "", "a: 1", 400},
		"nothing":               {"POST", "application/json", "", "", 400},
		"another type":          {"POST", "application/yaml", "", "{}", 415},
		"no type":               {"POST", "", "", "{}", 415},
		"compressed":            {"POST", "application/json", "gzip", "{}", 415},
		"another method":        {"GET", "application/json", "", "{}", 405},
		"what is asked for, so": {"POST", "application/json", "", `{"b":1}`, 200},
	} {
		from := &conn{from: "10.0.0.1"}
		r := httptest.NewRequestWithContext(c.open(t.Context(), from), tc.method, "/", strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.kind)
		if tc.want == http.StatusLengthRequired {
			r.ContentLength = -1
		}
		if tc.encoding != "" {
			r.Header.Set("Content-Encoding", tc.encoding)
		}
		got = nil
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != tc.want || (tc.want == 200) != (got != nil) || got != nil && !bytes.Equal(got, []byte(tc.body)) {
			t.Errorf("%s: %d, want %d; the handler reads %.40q", name, w.Code, tc.want, got)
		}
		if !from.closed && c.held != small {
			t.Errorf("%s: %d bytes are kept", name, c.held)
		}
		if c.change(from, http.StateClosed); c.held != 0 {
			t.Errorf("%s: %d bytes are kept when it is gone", name, c.held)
		}
	}
}
