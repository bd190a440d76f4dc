package serving

import (
	"bytes"
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

// The host with the most connections loses the one that has done the same for the longest; nobody else loses any.
func TestShowOut(t *testing.T) {
	g := newGuests(4)
	honest := &conn{from: "10.0.0.1"}
	many := []*conn{{from: "10.0.0.2"}, {from: "10.0.0.2"}, {from: "10.0.0.2"}, {from: "10.0.0.2"}}
	g.change(honest, http.StateNew)
	for _, c := range many[:3] {
		g.change(c, http.StateNew)
	}
	g.change(many[0], http.StateIdle)
	g.change(many[3], http.StateNew)
	if honest.closed || many[0].closed || !many[1].closed || many[2].closed || many[3].closed {
		t.Errorf("closed: %v, %v %v %v %v", honest.closed, many[0].closed, many[1].closed, many[2].closed, many[3].closed)
	}
	g.change(many[1], http.StateClosed) // the server learns of it
	for _, c := range []*conn{honest, many[0], many[2], many[3]} {
		g.change(c, http.StateClosed)
	}
	if len(g.all)+len(g.hosts) != 0 {
		t.Errorf("something is left: %d, %d", len(g.all), len(g.hosts))
	}
}

// Where strangers have an address each, it is the oldest of those that were never answered; those that were stay.
func TestShowOutOneOfMany(t *testing.T) {
	g := newGuests(12)
	enter := func(host string) *conn {
		c := &conn{from: host}
		g.change(c, http.StateNew)
		return c
	}
	honest := []*conn{enter("10.0.0.1"), enter("10.0.0.1")}
	for _, c := range honest {
		g.change(c, http.StateActive)
		g.change(c, http.StateIdle)
	}
	var strangers []*conn
	for i := range 20 {
		strangers = append(strangers, enter(fmt.Sprint("10.0.1.", i)))
	}
	late := enter("10.0.0.1") // has as long as it takes the others to become many again
	for i := range 2 {
		strangers = append(strangers, enter(fmt.Sprint("10.0.2.", i)))
	}
	if honest[0].closed || honest[1].closed || late.closed || len(g.all) != 12 {
		t.Errorf("closed: %v %v, %v; there are %d", honest[0].closed, honest[1].closed, late.closed, len(g.all))
	}
	for i, c := range strangers {
		if c.closed != (i < len(strangers)-9) {
			t.Errorf("stranger %d of %d: closed %v", i, len(strangers), c.closed)
		}
	}
}

// The host whose bodies have taken the most makes room, by the one that has taken the most of it.
func TestMakeRoom(t *testing.T) {
	g := newGuests(10)
	honest := &conn{from: "10.0.0.1"}
	greedy := []*conn{{from: "10.0.0.2"}, {from: "10.0.0.2"}, {from: "10.0.0.2"}}
	of := func(c *conn) *guest { return g.of(g.introduce(t.Context(), c)) }
	taken := map[*conn]int64{honest: 100, greedy[0]: 60, greedy[1]: 70, greedy[2]: 0}
	for c, bytes := range taken {
		g.introduce(t.Context(), c) // as the server does, before it tells of the connection
		g.change(c, http.StateNew)
		if !g.take(of(c), bytes, 230) {
			t.Errorf("there is no room for %d", bytes)
		}
	}
	if !g.take(of(honest), 10, 230) || !greedy[1].closed || honest.closed || greedy[0].closed {
		t.Errorf("closed: %v, %v %v", honest.closed, greedy[0].closed, greedy[1].closed)
	}
	if of(greedy[1]) != nil || g.shared != 170 {
		t.Errorf("who was shown out still counts: %d", g.shared)
	}
	if g.take(of(greedy[0]), 200, 230) {
		t.Error("who has taken the most made others make room")
	}
	for c := range taken {
		g.give(of(c))
	}
	if g.shared != 0 {
		t.Errorf("%d are not given back", g.shared)
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

func TestFront(t *testing.T) {
	l := Limits{Connections: 1, Small: 8 << 10, Large: 16 << 10, Body: 64 << 10, Items: 100, Simple: 10, Beside: 1, Hard: 1}
	f := newFront(l, newGuests(l.Connections))
	caller := &conn{from: "10.0.0.1"}
	f.guests.change(caller, http.StateNew)
	var got []byte
	handler := f.before(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }))
	for name, tc := range map[string]struct {
		method, kind, encoding, body string
		want                         int
	}{
		"what is asked for":     {"POST", "application/json", "", ` {"a":1}`, 200},
		"with a character set":  {"POST", "application/json; charset=utf-8", "", `{}`, 200},
		"a larger one":          {"POST", "application/json", "", `{"` + strings.Repeat("a", 20<<10) + `":1}`, 200},
		"more than all share":   {"POST", "application/json", "", `{"` + strings.Repeat("a", 30<<10) + `":1}`, 503},
		"larger than any":       {"POST", "application/json", "", `{"` + strings.Repeat("a", 70<<10) + `":1}`, 413},
		"many items":            {"POST", "application/json", "", `{"a":[0` + strings.Repeat(",0", 100) + `]}`, 200},
		"too many items":        {"POST", "application/json", "", `{"a":[0` + strings.Repeat(",0", 101) + `]}`, 413},
		"many keys":             {"POST", "application/json", "", `{"a":0` + strings.Repeat(`,"a":0`, 1000) + `}`, 200},
		"YAML":                  {"POST", "application/json", "", "a: 1", 400},
		"nothing":               {"POST", "application/json", "", "", 400},
		"another type":          {"POST", "application/yaml", "", "{}", 415},
		"no type":               {"POST", "", "", "{}", 415},
		"compressed":            {"POST", "application/json", "gzip", "{}", 415},
		"another method":        {"GET", "application/json", "", "{}", 405},
		"what is asked for, so": {"POST", "application/json", "", `{"b":1}`, 200},
	} {
		r := httptest.NewRequestWithContext(f.guests.introduce(t.Context(), caller), tc.method, "/", strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.kind)
		if tc.encoding != "" {
			r.Header.Set("Content-Encoding", tc.encoding)
		}
		got = nil
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != tc.want || (tc.want == 200) != (got != nil) || got != nil && !bytes.Equal(got, []byte(tc.body)) {
			t.Errorf("%s: %d, want %d; the handler reads %.40q", name, w.Code, tc.want, got)
		}
		if f.guests.shared != 0 || len(f.beside)+len(f.hard) != 0 {
			t.Errorf("%s: %d bytes and %d slots are kept", name, f.guests.shared, len(f.beside)+len(f.hard))
		}
	}
}
