package rows

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

const injectKey = sidecars.InjectKey

// newPod is the first pod of a StatefulSet.
func newPod(name string) *corev1.Pod {
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}}
	pod.Name, pod.Namespace = name+"-0", "shapes"
	pod.Labels = map[string]string{"apps.kubernetes.io/pod-index": "0"}
	own(pod, "apps/v1", "StatefulSet", name)
	return pod
}

func own(pod *corev1.Pod, apiVersion, kind, name string) {
	yes := true
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, UID: "shapes", Controller: &yes}}
}

// parseContainer reads its four columns: name and image, command and arguments,
// environment, ports.
func parseContainer(cells []string) (corev1.Container, error) {
	var c corev1.Container
	var lists [4][]string
	for i, text := range cells {
		list, err := words(text)
		if err != nil {
			return c, err
		}
		lists[i] = list
	}
	if len(lists[0]) != 2 {
		return c, fmt.Errorf("%q is no container's name and image", cells[0])
	}
	c.Name, c.Image = lists[0][0], lists[0][1]
	c.Command = lists[1]
	for i, word := range c.Command {
		if word == ">" {
			c.Command, c.Args = slices.DeleteFunc(c.Command[:i:i], func(w string) bool { return w == "-" }), c.Command[i+1:]
			break
		}
	}
	if len(c.Command) == 0 {
		c.Command = nil
	}
	for _, word := range lists[2] {
		addEnv(&c, word)
	}
	for _, word := range lists[3] {
		port, err := parsePort(word)
		if err != nil {
			return c, err
		}
		c.Ports = append(c.Ports, port)
	}
	return c, nil
}

// addEnv reads one word of the environment. The first of = @ # ^ says what it is.
func addEnv(c *corev1.Container, word string) {
	i := strings.IndexAny(word, "=@#^")
	if i < 0 {
		i = len(word)
		word += "="
	}
	name, rest := word[:i], word[i+1:]
	target, key, hasKey := strings.Cut(rest, "/")
	reference := corev1.LocalObjectReference{Name: target}
	v := corev1.EnvVar{Name: name}
	switch {
	case word[i] == '=':
		v.Value = rest
	case word[i] == '^':
		v.ValueFrom = &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: rest}}
	case word[i] == '@' && hasKey:
		v.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: reference, Key: key}}
	case word[i] == '#' && hasKey:
		v.ValueFrom = &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: reference, Key: key}}
	case word[i] == '@':
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{Prefix: name, SecretRef: &corev1.SecretEnvSource{LocalObjectReference: reference}})
		return
	default:
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{Prefix: name, ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: reference}})
		return
	}
	c.Env = append(c.Env, v)
}

func parsePort(word string) (corev1.ContainerPort, error) {
	var p corev1.ContainerPort
	if name, number, ok := strings.Cut(word, ":"); ok {
		p.Name, word = name, number
	}
	number, protocol, _ := strings.Cut(word, "/")
	p.Protocol = corev1.Protocol(strings.ToUpper(protocol))
	n, err := strconv.ParseInt(number, 10, 32)
	p.ContainerPort = int32(n)
	return p, err
}

// extend reads one word of the column "more".
func extend(pod *corev1.Pod, word string) error {
	kind, rest, _ := strings.Cut(word, ":")
	if inner, ok := strings.CutPrefix(word, "+"); ok {
		kind, rest = "+", inner
	}
	switch kind {
	case "+", "init", "native":
		return addContainer(pod, kind, rest)
	case "vol":
		return mount(pod, rest)
	case "label", "annotation":
		key, value, _ := strings.Cut(rest, "=")
		if kind == "label" {
			pod.Labels[key] = value
		} else {
			annotate(pod, key, value)
		}
		return nil
	}
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		return errors.New("no such word")
	}
	switch key {
	case "kind":
		ownedBy(pod, value)
	case "owner":
		i := strings.LastIndexByte(value, '/')
		own(pod, value[:i], value[i+1:], "owner")
		delete(pod.Labels, "apps.kubernetes.io/pod-index")
	case "inject":
		annotate(pod, injectKey, value)
	case "os":
		pod.Spec.NodeSelector = map[string]string{"kubernetes.io/os": value}
	default:
		return errors.New("no such word")
	}
	return nil
}

func annotate(pod *corev1.Pod, key, value string) {
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[key] = value
}

// ownedBy makes the pod one of another kind of workload.
func ownedBy(pod *corev1.Pod, kind string) {
	delete(pod.Labels, "apps.kubernetes.io/pod-index")
	switch kind {
	case "Pod":
		pod.OwnerReferences = nil
	case "Job", "CronJob":
		own(pod, "batch/v1", "Job", pod.Name)
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	case "Deployment":
		own(pod, "apps/v1", "ReplicaSet", pod.Name)
	default:
		own(pod, "apps/v1", kind, pod.Name)
	}
}

func addContainer(pod *corev1.Pod, kind, text string) error {
	cells, err := split(text, ';')
	if err != nil {
		return err
	}
	for len(cells) < 4 {
		cells = append(cells, "")
	}
	c, err := parseContainer(cells[:4])
	if err != nil {
		return err
	}
	switch kind {
	case "+":
		pod.Spec.Containers = append(pod.Spec.Containers, c)
		return nil
	case "native":
		always := corev1.ContainerRestartPolicyAlways
		c.RestartPolicy = &always
	}
	pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
	return nil
}

// mount adds a volume to the pod and its first container.
func mount(pod *corev1.Pod, text string) error {
	where, what, _ := strings.Cut(text, "=")
	where, subPath, _ := strings.Cut(where, "#")
	parts := strings.SplitN(what, ":", 3)
	name := fmt.Sprintf("vol-%d", len(pod.Spec.Volumes))
	v := corev1.Volume{Name: name}
	switch {
	case parts[0] == "projected" && len(parts) > 1:
		v.Projected = projected(strings.TrimPrefix(what, "projected:"))
	case parts[0] == "csi" && len(parts) == 2:
		v.CSI = &corev1.CSIVolumeSource{Driver: parts[1]}
	case parts[0] == "secret" && len(parts) > 1:
		v.Secret = &corev1.SecretVolumeSource{SecretName: parts[1]}
		if len(parts) == 3 {
			key, file, _ := strings.Cut(parts[2], ">")
			v.Secret.Items = []corev1.KeyToPath{{Key: key, Path: file}}
		}
	case parts[0] == "cm" && len(parts) == 2:
		v.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: parts[1]}}
	case parts[0] == "empty":
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	default:
		return errors.New("no such volume")
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, v)
	c := &pod.Spec.Containers[0]
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: where, SubPath: subPath})
	return nil
}

// projected is a volume of several Secrets, and ConfigMaps behind cm:.
func projected(text string) *corev1.ProjectedVolumeSource {
	v := &corev1.ProjectedVolumeSource{}
	for one := range strings.SplitSeq(text, "+") {
		name, isMap := strings.CutPrefix(one, "cm:")
		name, item, hasItem := strings.Cut(name, ":")
		var items []corev1.KeyToPath
		if hasItem {
			key, file, _ := strings.Cut(item, ">")
			items = []corev1.KeyToPath{{Key: key, Path: file}}
		}
		reference := corev1.LocalObjectReference{Name: name}
		if isMap {
			v.Sources = append(v.Sources, corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: reference, Items: items}})
		} else {
			v.Sources = append(v.Sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{LocalObjectReference: reference, Items: items}})
		}
	}
	return v
}
