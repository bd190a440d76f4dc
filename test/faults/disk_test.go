package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	storageClass = "outrider-faults"
	diskSize     = "192m"
	blindAlert   = "PrometheusStoresNothing"
)

// disk is a small one, for Prometheus alone.
type disk struct{ seen string }

func (e *env) newDisk(t *testing.T) *disk {
	t.Helper()
	folder := t.TempDir()
	seen, unmount, err := e.cluster.Mount(t.Context(), folder, diskSize)
	if err != nil {
		t.Fatal(err)
	}
	volume := fmt.Appendf(nil, `
apiVersion: v1
kind: PersistentVolume
metadata: {name: outrider-faults}
spec:
  storageClassName: %s
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: %s, type: Directory}
  claimRef: {namespace: outrider, name: data-outrider-prometheus-0}
`, storageClass, folder)
	t.Cleanup(func() {
		err := e.release.Uninstall()
		claims := metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=prometheus"}
		err = errors.Join(err, e.client.CoreV1().PersistentVolumeClaims("outrider").DeleteCollection(context.Background(), metav1.DeleteOptions{}, claims))
		err = errors.Join(err, e.applier.Delete(context.Background(), volume), unmount())
		if err != nil {
			t.Error(err)
		}
	})
	if err := e.applier.Delete(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	if err := e.applier.Apply(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	return &disk{seen: seen}
}

// fill writes until nothing fits any more; free makes room again.
func (d *disk) fill(t *testing.T) (free func()) {
	t.Helper()
	ballast := filepath.Join(d.seen, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err = io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
	return func() {
		if err := os.Remove(ballast); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// testDiskFull fills the disk under Prometheus. It says so by an alert, although it stores nothing any more,
// goes on when there is room again, and injection has no part in it.
func testDiskFull(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	if at := e.newest(t); at.IsZero() {
		t.Fatal("Prometheus has no sample")
	}
	free := e.disk.fill(t)
	t.Cleanup(free)
	began, state := time.Now(), ""
	eventually(t, func() string {
		v, err := e.prom.Alerts(t.Context())
		if err != nil {
			return err.Error()
		}
		for _, a := range v {
			if string(a.Labels["alertname"]) == blindAlert {
				state = string(a.State)
				return ""
			}
		}
		return "Prometheus has no alert about its full disk"
	})
	took := time.Since(began)
	l.rollOut(t)
	free()
	freed := time.Now()
	eventually(t, func() string {
		if at := e.newest(t); !at.After(freed) {
			return fmt.Sprintf("the newest sample is of %s, and there was room again at %s", at, freed)
		}
		return ""
	})
	back := time.Since(freed)
	eventually(t, func() string {
		v, err := e.prom.Alerts(t.Context())
		if err != nil {
			return err.Error()
		}
		for _, a := range v {
			if string(a.Labels["alertname"]) == blindAlert {
				return "the alert does not end"
			}
		}
		return ""
	})
	c := l.end(t)
	say(t, "the disk under Prometheus full: the alert %s is %s after %s, samples are stored %s after there was room again; %d of %d pods came without their exporter",
		blindAlert, state, took.Round(time.Second), back.Round(time.Second), c.missed, c.pods)
	if c.missed > 0 {
		t.Errorf("%d pods were missed", c.missed)
	}
}

// newest is when Prometheus' newest sample of itself was taken; zero for none, and while it does not answer.
func (e *env) newest(t *testing.T) time.Time {
	t.Helper()
	v, err := e.prom.Query(t.Context(), `timestamp(up{job="prometheus"})`)
	if err != nil || len(v) == 0 {
		return time.Time{}
	}
	return time.Unix(int64(v[0].Value), 0)
}
