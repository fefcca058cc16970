// Renders the templates of a chart as Helm does: Go's own text/template with the functions of Sprig and those
// that Helm adds. Usage: helm-render CHART, with {"values", "release", "chart", "capabilities"} as JSON on
// standard input; standard output has the texts by file as JSON. It looks nothing up in a cluster, and knows
// no subcharts.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	yaml "gopkg.in/yaml.v2"
)

type input struct {
	Values       map[string]interface{} `json:"values"`
	Release      map[string]interface{} `json:"release"`
	Chart        map[string]interface{} `json:"chart"`
	Capabilities struct {
		KubeVersion string   `json:"kubeVersion"`
		APIVersions []string `json:"apiVersions"`
	} `json:"capabilities"`
}

type versions []string

func (known versions) Has(name string) bool {
	for _, each := range known {
		if each == name {
			return true
		}
	}
	return false
}

type files map[string]string

func (all files) Get(name string) string { return all[name] }

func (all files) Glob(pattern string) files {
	found := files{}
	for name, text := range all {
		if ok, _ := path.Match(pattern, name); ok {
			found[name] = text
		}
	}
	return found
}

func (all files) AsConfig() string {
	byName := map[string]interface{}{}
	for name, text := range all {
		byName[path.Base(name)] = text
	}
	return toYaml(byName)
}

// whole makes numbers without a fraction integers again, as Helm writes them.
func whole(value interface{}) interface{} {
	switch known := value.(type) {
	case json.Number:
		if integer, err := known.Int64(); err == nil {
			return integer
		}
		float, _ := known.Float64()
		return float
	case map[string]interface{}:
		for key, inner := range known {
			known[key] = whole(inner)
		}
	case []interface{}:
		for at, inner := range known {
			known[at] = whole(inner)
		}
	}
	return value
}

func toYaml(value interface{}) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var plain interface{}
	if err := decoder.Decode(&plain); err != nil {
		return ""
	}
	written, err := yaml.Marshal(whole(plain))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(written), "\n")
}

// stringKeys makes of YAML's maps those that templates and JSON know.
func stringKeys(value interface{}) interface{} {
	switch known := value.(type) {
	case map[interface{}]interface{}:
		plain := map[string]interface{}{}
		for key, inner := range known {
			plain[fmt.Sprint(key)] = stringKeys(inner)
		}
		return plain
	case []interface{}:
		for at, inner := range known {
			known[at] = stringKeys(inner)
		}
	}
	return value
}

func fromYaml(text string) map[string]interface{} {
	var value interface{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return map[string]interface{}{"Error": err.Error()}
	}
	if plain, ok := stringKeys(value).(map[string]interface{}); ok {
		return plain
	}
	return map[string]interface{}{}
}

// functions are those of Helm; what reads the machine is not among them.
func functions(all *template.Template) template.FuncMap {
	known := sprig.TxtFuncMap()
	delete(known, "env")
	delete(known, "expandenv")
	depth := 0
	known["include"] = func(name string, data interface{}) (string, error) {
		if depth++; depth > 100 {
			return "", fmt.Errorf("%s includes itself", name)
		}
		defer func() { depth-- }()
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	known["tpl"] = func(text string, data interface{}) (string, error) {
		copied, err := all.Clone()
		if err != nil {
			return "", err
		}
		parsed, err := copied.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var written strings.Builder
		err = parsed.Execute(&written, data)
		return clean(written.String()), err
	}
	known["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	known["lookup"] = func(_, _, _, _ string) map[string]interface{} { return map[string]interface{}{} }
	known["toYaml"] = toYaml
	known["fromYaml"] = fromYaml
	return known
}

// clean leaves out what Go writes for values that are not there.
func clean(text string) string { return strings.ReplaceAll(text, "<no value>", "") }

func readFiles(root string) (files, error) {
	found := files{}
	err := filepath.Walk(root, func(name string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		// Links are followed, as Helm does.
		if info, err = os.Stat(name); err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		relative, _ := filepath.Rel(root, name)
		found[filepath.ToSlash(relative)] = string(text)
		return err
	})
	return found, err
}

func render(root string, given input) (map[string]string, error) {
	found, err := readFiles(root)
	if err != nil {
		return nil, err
	}
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	others := files{}
	for name, text := range found {
		if !strings.HasPrefix(name, "templates/") {
			others[name] = text
		} else if _, err := all.New(name).Parse(text); err != nil {
			return nil, err
		}
	}
	rendered := map[string]string{}
	for name := range found {
		if !strings.HasPrefix(name, "templates/") || strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, map[string]interface{}{
			"Values":  given.Values,
			"Release": given.Release,
			"Chart":   given.Chart,
			"Files":   others,
			"Capabilities": map[string]interface{}{
				"KubeVersion": map[string]string{"Version": given.Capabilities.KubeVersion},
				"APIVersions": versions(given.Capabilities.APIVersions),
			},
			"Template": map[string]string{"Name": name, "BasePath": "templates"},
		})
		if err != nil {
			return nil, err
		}
		rendered[name] = clean(text.String())
	}
	return rendered, nil
}

func main() {
	var given input
	err := json.NewDecoder(os.Stdin).Decode(&given)
	if err == nil {
		var rendered map[string]string
		if rendered, err = render(os.Args[1], given); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(rendered)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
