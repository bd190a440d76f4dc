// Package cache is the folder in which the test cluster keeps what it built: binaries, image
// archives, Debian packages and the running cluster's state.
//
// # Decisions
//
// Everything lies under os.UserCacheDir()/outrider, and what is built is named by a hash of what
// it was built from, so a second run finds it and a stale entry cannot be mistaken for a fresh one.
// Two test binaries may run at once: the one that changes something holds a file lock, which the kernel
// releases when its holder dies.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// Dir returns the folder elem of the cache and makes it where it does not exist.
func Dir(elem ...string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	dir := filepath.Join(append([]string{base, "outrider"}, elem...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	return dir, nil
}

// Lock waits for the lock of this name and returns the function that releases it. A second Lock of
// the same name waits too when it comes from the same process, so locks of one name must not nest.
func Lock(ctx context.Context, name string) (unlock func(), err error) {
	dir, err := Dir()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock %s: %w", name, err)
	}
	done := progress.Start(ctx, "wait for another run to release the lock %s", name)
	defer done()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			_ = f.Close()
			return nil, fmt.Errorf("take lock %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("take lock %s: %w", name, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Key hashes parts into a short name. The boundaries between parts count: ("ab", "c") and
// ("a", "bc") have different keys.
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:20]
}

// FileKey hashes the content of the file at path into a short name.
func FileKey(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash file: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash file %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil))[:20], nil
}

// Prune removes all but the newest keep entries of the folder that match pattern.
func Prune(dir, pattern string, keep int) {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return
	}
	for len(found) > keep {
		oldest := 0
		for i := range found {
			if modTime(found[i]).Before(modTime(found[oldest])) {
				oldest = i
			}
		}
		_ = os.RemoveAll(found[oldest])
		found = append(found[:oldest], found[oldest+1:]...)
	}
}

func modTime(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
