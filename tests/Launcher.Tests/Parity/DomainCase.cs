using System.IO.Compression;
using System.Text.Json;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Launcher.Tests.Parity;

/// <summary>One line of <c>domain.ndjson.gz</c>: a manifest, and the domain that KubeVirt makes of it or the error that it gives.</summary>
public sealed record DomainCase(string File, string Mutation, VirtualMachineInstance Vmi, string? Domain, string? Error)
{
    /// <summary>KubeVirt's recorded answers, which are not part of this repository.</summary>
    public static string Folder { get; } = Environment.GetEnvironmentVariable("TROUPE_KUBEVIRT_BEHAVIOUR") ?? "/work/shared/kubevirt/behaviour";

    public static bool AreAvailable => System.IO.File.Exists(Path.Combine(Folder, "domain.ndjson.gz"));

    public static IEnumerable<DomainCase> Read()
    {
        using var reader = new StreamReader(new GZipStream(System.IO.File.OpenRead(Path.Combine(Folder, "domain.ndjson.gz")), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            var json = JsonDocument.Parse(line).RootElement;
            yield return new DomainCase(json.GetProperty("file").GetString()!, json.GetProperty("mutation").GetString()!, VmiOf(json.GetProperty("object")),
                json.GetProperty("domain").GetString(), json.GetProperty("error").GetString());
        }
    }

    /// <summary>A VirtualMachine is its template, under its own name.</summary>
    private static VirtualMachineInstance VmiOf(JsonElement manifest)
    {
        var metadata = manifest.GetProperty("metadata");
        var (own, spec) = (metadata, manifest.GetProperty("spec"));
        if (manifest.GetProperty("kind").GetString() == "VirtualMachine")
        {
            var template = spec.TryGetProperty("template", out var set) ? set : JsonDocument.Parse("{}").RootElement;
            spec = template.TryGetProperty("spec", out var inner) ? inner : JsonDocument.Parse("{}").RootElement;
            own = template.TryGetProperty("metadata", out var of) ? of : JsonDocument.Parse("{}").RootElement;
        }

        return new VirtualMachineInstance
        {
            Metadata = new ObjectMeta
            {
                Name = metadata.GetProperty("name").GetString(),
                Namespace = "default",
                Uid = "11111111-2222-3333-4444-555555555555",
                Annotations = own.TryGetProperty("annotations", out var annotations) && annotations.ValueKind is JsonValueKind.Object
                    ? annotations.EnumerateObject().ToDictionary(a => a.Name, a => a.Value.GetString() ?? "") : null,
            },
            Spec = spec.Deserialize(ApiJson.Default.VirtualMachineInstance.Options.GetTypeInfo(typeof(VirtualMachineInstanceSpec))) as VirtualMachineInstanceSpec,
        };
    }
}
