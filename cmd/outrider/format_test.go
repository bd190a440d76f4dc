package main

import (
	"regexp"
	"testing"
)

// TestPaint holds that only words which are a whole column are coloured, and
// that without the colours the text is what it was.
func TestPaint(t *testing.T) {
	const text = "NAME  STATE     PROOF  WHY\na     injected  up     up and down\nb     missed\npass  API server  v1\n"
	const want = "NAME  STATE     PROOF  WHY\na     \x1b[32minjected\x1b[0m  \x1b[32mup\x1b[0m     up and down\nb     \x1b[31mmissed\x1b[0m\n\x1b[32mpass\x1b[0m  API server  v1\n"
	got := paint(text)
	if got != want {
		t.Errorf("painted %q, want %q", got, want)
	}
	if plain := regexp.MustCompile(`\x1b\[\d*m`).ReplaceAllString(got, ""); plain != text {
		t.Errorf("without colours it is %q", plain)
	}
}
