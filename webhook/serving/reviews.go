package serving

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
)

// Reviews is middleware of a NewServer: it reads bodies and passes on what may be an AdmissionReview. Once leaving has ended, each answer
// closes its connection: an API server would keep it, and a call that it sends while a server that shuts down closes what is idle is
// lost, because it is not idempotent.
func Reviews(leaving context.Context, next http.Handler) http.Handler {
	complex := make(chan struct{}, 1) // of the bodies with many values, one is handled at a time
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of := r.Context().Value(connectionKey{}).(*connection)
		defer of.hold(0)
		body, status := read(r, of)
		if status != 0 || leaving.Err() != nil {
			w.Header().Set("Connection", "close") // where a body is refused, the rest of it is not read
		}
		if status != 0 {
			http.Error(w, http.StatusText(status), status)
			return
		}
		if bytes.Count(body, []byte(",")) > simple {
			select {
			case complex <- struct{}{}:
				defer func() { <-complex }()
			case <-r.Context().Done():
				return // the client is gone
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// read returns a body that may be an AdmissionReview, or the status with which it is refused. Memory grows with what has arrived.
func read(r *http.Request, of *connection) (body []byte, status int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return nil, http.StatusMethodNotAllowed
	case err != nil || kind != "application/json" || r.Header.Get("Content-Encoding") != "":
		return nil, http.StatusUnsupportedMediaType
	case r.ContentLength < 0:
		return nil, http.StatusLengthRequired
	case r.ContentLength > mostBody:
		return nil, http.StatusRequestEntityTooLarge
	}
	for length := int(r.ContentLength); len(body) < length; {
		size := min(max(4<<10, 2*len(body)), length)
		if !of.hold(size) {
			return nil, http.StatusServiceUnavailable
		}
		grown := make([]byte, size)
		if _, err := io.ReadFull(r.Body, grown[copy(grown, body):]); err != nil {
			return nil, http.StatusBadRequest
		}
		body = grown
	}
	switch {
	case !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")):
		return nil, http.StatusBadRequest
	case items(body) > mostItems:
		return nil, http.StatusRequestEntityTooLarge
	}
	return body, 0
}

// items counts the items of all lists in JSON, but the first of each. Of what is no JSON it returns any number.
func items(raw []byte) int {
	var lists []bool // of what is open, whether it is a list
	count := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			lists = append(lists, raw[i] == '[')
		case ']', '}':
			if len(lists) > 0 {
				lists = lists[:len(lists)-1]
			}
		case ',':
			if len(lists) > 0 && lists[len(lists)-1] {
				count++
			}
		}
	}
	return count
}
