using System.Text.Json;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Machines;

/// <summary>The architecture of a machine that names none but is made from a DataSource with an architecture's label.</summary>
internal static class MachineArchitecture
{
    private const string Label = "template.kubevirt.io/architecture";

    /// <summary>Null when no DataSource says one.</summary>
    public static async Task<string?> OfDataSourceAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct)
    {
        foreach (var source in (vm.Spec?.DataVolumeTemplates ?? []).Select(t => t.Spec?.SourceRef))
        {
            if (source is not { Name: { } name } || !string.Equals(source.Kind, "datasource", StringComparison.OrdinalIgnoreCase))
                continue;
            var found = await DataSources.FindAsync(objects, source.Namespace is { Length: > 0 } ns ? ns : vm.Metadata.Namespace!, name, ct);
            if (found is { } one && DataSources.Referred(one) is ({ } otherNamespace, { } otherName))
                found = await DataSources.FindAsync(objects, otherNamespace, otherName, ct);
            if (found is { } dataSource && DataSources.Labels(dataSource).GetValueOrDefault(Label) is "amd64" or "arm64" or "s390x")
                return DataSources.Labels(found.Value)[Label];
        }

        return null;
    }
}

/// <summary>CDI's DataSources, read as they are: the kind belongs to another project.</summary>
internal static class DataSources
{
    public static Task<JsonElement?> FindAsync(IClusterObjects objects, string ns, string name, CancellationToken ct) =>
        objects.FindRawAsync($"apis/cdi.kubevirt.io/v1beta1/namespaces/{ns}/datasources/{name}", ct);

    public static Dictionary<string, string> Labels(JsonElement obj) =>
        obj.TryGetProperty("metadata", out var metadata) && metadata.TryGetProperty("labels", out var labels) && labels.ValueKind is JsonValueKind.Object
            ? labels.EnumerateObject().ToDictionary(l => l.Name, l => l.Value.GetString() ?? "")
            : [];

    /// <summary>The DataSource that this one points to, if it does.</summary>
    public static (string Namespace, string Name)? Referred(JsonElement dataSource) => Source(dataSource, "dataSource");

    /// <param name="kind">`pvc`, `snapshot` or `dataSource`.</param>
    public static (string Namespace, string Name)? Source(JsonElement dataSource, string kind) =>
        dataSource.TryGetProperty("spec", out var spec) && spec.TryGetProperty("source", out var source) && source.TryGetProperty(kind, out var target)
        && target.TryGetProperty("namespace", out var ns) && target.TryGetProperty("name", out var name)
            ? (ns.GetString()!, name.GetString()!)
            : null;
}
