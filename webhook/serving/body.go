package serving

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
)

// front stands before the handlers: it reads bodies and passes on what may be an AdmissionReview.
type front struct {
	limits Limits
	guests *guests
	beside chan struct{}
	hard   chan struct{}
}

func newFront(l Limits, g *guests) *front {
	return &front{limits: l, guests: g, beside: make(chan struct{}, l.Beside), hard: make(chan struct{}, l.Hard)}
}

var (
	errTooLarge = errors.New("the body is too large")
	errNoRoom   = errors.New("too many large bodies at once")
)

// before puts the front before a handler.
func (f *front) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := f.refuseHeader(r); status != 0 {
			refuse(w, status)
			return
		}
		of := f.guests.of(r.Context())
		body, err := f.read(r, of)
		defer f.guests.give(of)
		switch {
		case errors.Is(err, errTooLarge):
			refuse(w, http.StatusRequestEntityTooLarge)
			return
		case errors.Is(err, errNoRoom):
			refuse(w, http.StatusServiceUnavailable)
			return
		case err != nil || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")):
			refuse(w, http.StatusBadRequest)
			return
		}
		slots := f.beside
		if bytes.Count(body, []byte(",")) > f.limits.Simple {
			if slots = f.hard; items(body) > f.limits.Items {
				refuse(w, http.StatusRequestEntityTooLarge)
				return
			}
		}
		if !enter(r.Context(), slots) {
			refuse(w, http.StatusServiceUnavailable) // nobody waits for it any more
			return
		}
		defer func() { <-slots }()
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
	})
}

// refuseHeader is the status with which a request is refused before its body is read, or 0.
func (f *front) refuseHeader(r *http.Request) int {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	case err != nil || kind != "application/json" || r.Header.Get("Content-Encoding") != "":
		return http.StatusUnsupportedMediaType
	case r.ContentLength > f.limits.Body:
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

// refuse answers, and ends the connection: what is left of the body is not read.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	http.Error(w, http.StatusText(status), status)
}

func enter(ctx context.Context, slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
	}
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// read reads a body. What that takes of what large bodies share is given back by the caller.
func (f *front) read(r *http.Request, of *guest) ([]byte, error) {
	taken := int64(0)
	b := bytes.NewBuffer(make([]byte, 0, 4<<10))
	for {
		n, err := io.CopyN(b, r.Body, 4<<10)
		size := int64(b.Len())
		switch {
		case size > f.limits.Body:
			return nil, errTooLarge
		case size > f.limits.Small && size-f.limits.Small > taken:
			taken += n
			if !f.guests.take(of, n, f.limits.Large) {
				return nil, errNoRoom
			}
		}
		if errors.Is(err, io.EOF) {
			return b.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// items counts the items of all lists in JSON, but the first of each. It is exact for JSON, and does not matter for what is none.
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
