package cache

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKeyCountsBoundaries(t *testing.T) {
	if Key("ab", "c") == Key("a", "bc") {
		t.Error("different parts have the same key")
	}
	if Key("a", "b") != Key("a", "b") {
		t.Error("the same parts have different keys")
	}
}

func TestFileKeyFollowsContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	key := func(content string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := FileKey(path)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if a, b := key("one"), key("two"); a == b {
		t.Error("different contents have the same key")
	}
	if a, b := key("one"), key("one"); a != b {
		t.Error("the same content has different keys")
	}
}

func TestLockExcludesUntilReleased(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	unlock, err := Lock(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if _, err := Lock(short, "x"); err == nil {
		t.Fatal("the lock was taken twice")
	}
	unlock()
	again, err := Lock(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	again()
}
