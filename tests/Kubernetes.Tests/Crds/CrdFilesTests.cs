using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Crds;
using Troupe.Tests.Support;
using Xunit;

namespace Troupe.Kubernetes.Tests.Crds;

public sealed class CrdFilesTests
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void The_CRDs_in_deploy_are_what_the_model_generates()
    {
        var folder = Path.Combine(ReferenceData.Root, "deploy/crds");
        foreach (var (name, crd) in KubeVirtCrds.All)
        {
            var file = Path.Combine(folder, name);
            var text = Compact(crd);
            if (Environment.GetEnvironmentVariable("TROUPE_UPDATE_CRDS") is not null)
                File.WriteAllText(file, text);
            Assert.True(File.Exists(file) && File.ReadAllText(file) == text, $"{name} is out of date: TROUPE_UPDATE_CRDS=1 ./dev test Crd");
        }

        Assert.Equal(KubeVirtCrds.All.Keys.Order(), Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order());
    }

    [Fact]
    public void Each_kind_has_exactly_one_stored_version()
    {
        Assert.All(KubeVirtCrds.Definitions, d => Assert.Single(d.Versions, v => v.Storage));
    }

    [Fact]
    public void What_belongs_to_a_namespace_is_among_all_of_it_and_nothing_else() => Assert.All(KubeVirtCrds.All.Values, crd =>
        Assert.Equal((string?)crd["spec"]!["scope"] == "Namespaced", crd["spec"]!["names"]!["categories"] is not null));

    /// <summary>JSON is YAML; what fits in a line stays in one, which keeps the files readable and their changes small.</summary>
    private static string Compact(JsonNode crd)
    {
        var text = new StringBuilder();
        Write(crd, 0);
        return text.Append('\n').ToString();

        void Write(JsonNode? node, int depth)
        {
            var line = node?.ToJsonString(OneLine) ?? "null";
            if (line.Length <= 160 || node is not (JsonObject or JsonArray))
            {
                text.Append(line);
                return;
            }

            var (open, close, items) = node is JsonObject obj
                ? ('{', '}', obj.Select(p => (Name: (string?)p.Key, p.Value)))
                : ('[', ']', node.AsArray().Select(v => (Name: (string?)null, Value: v)));
            text.Append(open);
            var separator = "";
            foreach (var (name, value) in items)
            {
                text.Append(separator).Append('\n').Append(' ', depth + 1);
                if (name is not null)
                    text.Append(JsonSerializer.Serialize(name, OneLine)).Append(": ");
                Write(value, depth + 1);
                separator = ",";
            }

            text.Append('\n').Append(' ', depth).Append(close);
        }
    }
}
