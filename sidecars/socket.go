package sidecars

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// socketParameter stands for the socket's path in a definition's Socket.Env.
const socketParameter = "socket"

// reachBySocket points a sidecar at the server's Unix socket where that is the
// only way in, and mounts the socket's folder. It refuses where that is not shared.
func (p *planner) reachBySocket(e *entry, server, added *corev1.Container) bool {
	file, only := socketOnly(e.spec.Socket, server)
	if !only {
		return true
	}
	i := slices.IndexFunc(server.VolumeMounts, func(m corev1.VolumeMount) bool {
		return strings.HasPrefix(path.Clean(file), path.Clean(m.MountPath)+"/") && m.SubPath == "" && m.SubPathExpr == ""
	})
	if i < 0 {
		p.refuse(e.name, SocketNotShared, "%s: container %q listens on the socket %s only, and its folder is no volume; mount an emptyDir there, or open a TCP port",
			e.name, server.Name, shorten(file))
		return false
	}
	added.VolumeMounts = append(added.VolumeMounts, corev1.VolumeMount{Name: server.VolumeMounts[i].Name, MountPath: server.VolumeMounts[i].MountPath, ReadOnly: true})
	for _, env := range e.spec.Socket.Env {
		value := expand(env.Value, map[string]string{socketParameter: file})
		if j := slices.IndexFunc(added.Env, func(v corev1.EnvVar) bool { return v.Name == env.Name }); j >= 0 {
			added.Env[j].Value = value
		} else {
			added.Env = append(added.Env, corev1.EnvVar{Name: env.Name, Value: value})
		}
	}
	return true
}

// socketOnly returns the path of the server's socket, if it has one and no TCP port.
func socketOnly(s *v1alpha1.Socket, server *corev1.Container) (string, bool) {
	if s == nil || server == nil {
		return "", false
	}
	words := words(server)
	file, ok := flagValue(words, s.PathFrom)
	if !ok || !path.IsAbs(file) || slices.ContainsFunc(s.Unless, func(flag string) bool { return hasFlag(words, flag) }) {
		return "", false
	}
	for _, off := range s.Without {
		if value, ok := flagValue(words, off.Flag); !ok || value != off.Value {
			return "", false
		}
	}
	return file, true
}
