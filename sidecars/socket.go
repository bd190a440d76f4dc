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
// only way in, or the one that is named, and mounts the socket's folder. It
// refuses where that is not shared.
func (p *planner) reachBySocket(e *entry, s *shown, added *corev1.Container) bool {
	socket := e.spec.Socket
	if socket == nil || s.server == nil {
		return true
	}
	file := s.values[socket.Parameter]
	if file == "" {
		if file = socketOnly(socket, s); file == "" {
			return true
		}
	}
	file = path.Clean(file)
	i := slices.IndexFunc(s.server.VolumeMounts, func(m corev1.VolumeMount) bool {
		return strings.HasPrefix(file, path.Clean(m.MountPath)+"/") && m.SubPath == "" && m.SubPathExpr == ""
	})
	if i < 0 {
		p.refuse(e.name, SocketNotShared, "%s: the socket %s of container %q is in no volume; mount an emptyDir there, or open a TCP port",
			e.name, shorten(file), s.server.Name)
		return false
	}
	added.VolumeMounts = append(added.VolumeMounts, corev1.VolumeMount{Name: s.server.VolumeMounts[i].Name, MountPath: s.server.VolumeMounts[i].MountPath, ReadOnly: true})
	s.values[socketParameter] = file
	for _, env := range socket.Env {
		value, _ := expand(env.Value, s.values)
		if j := slices.IndexFunc(added.Env, func(v corev1.EnvVar) bool { return v.Name == env.Name }); j >= 0 {
			added.Env[j].Value = value
		} else {
			added.Env = append(added.Env, corev1.EnvVar{Name: env.Name, Value: value})
		}
	}
	for _, arg := range expandAll(socket.Args, s.values) {
		flag, _, _ := strings.Cut(arg, "=")
		if j := slices.IndexFunc(added.Args, func(a string) bool { return strings.HasPrefix(a, flag+"=") }); j >= 0 {
			added.Args[j] = arg
		} else {
			added.Args = append(added.Args, arg)
		}
	}
	return true
}

// socketOnly returns the path of the server's socket, if it has one and no TCP port.
func socketOnly(socket *v1alpha1.Socket, s *shown) string {
	if socket.PathFrom == "" {
		return ""
	}
	words := s.words()
	file, ok := flagValue(words, socket.PathFrom, path.IsAbs)
	if !ok || slices.ContainsFunc(socket.Unless, func(flag string) bool { return hasFlag(words, flag) }) {
		return ""
	}
	for _, off := range socket.Without {
		if value, ok := flagValue(words, off.Flag, anyValue); !ok || value != off.Value {
			return ""
		}
	}
	return file
}
