using System.Text.Json.Nodes;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Registration;

/// <summary>What a node's labels and annotations say about the guests it can run.</summary>
public static class NodeLabels
{
    private static readonly string[] Prefixes =
        [Labels.CpuModelPrefix, Labels.CpuVendorPrefix, Labels.HostModelPrefix, Labels.HostModelFeaturePrefix, Labels.CpuFeaturePrefix, Labels.MachineTypePrefix];

    /// <summary>The merge patch that brings the labels up to date and sets the heartbeat; labels that no longer hold are removed.</summary>
    public static JsonObject Patch(IReadOnlyDictionary<string, string> current, NodeCapabilities capabilities, bool schedulable, DateTimeOffset heartbeat)
    {
        var wanted = Wanted(capabilities, schedulable);
        var labels = new JsonObject();
        foreach (var (key, value) in wanted.Where(w => !current.TryGetValue(w.Key, out var old) || old != w.Value))
            labels[key] = value;
        foreach (var key in current.Keys.Where(k => !wanted.ContainsKey(k) && Prefixes.Any(p => k.StartsWith(p, StringComparison.Ordinal))))
            labels[key] = null;
        var metadata = new JsonObject { ["annotations"] = new JsonObject { [Annotations.Heartbeat] = heartbeat.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'") } };
        if (labels.Count > 0)
            metadata["labels"] = labels;
        return new JsonObject { ["metadata"] = metadata };
    }

    public static IReadOnlyDictionary<string, string> Wanted(NodeCapabilities capabilities, bool schedulable)
    {
        var labels = new Dictionary<string, string> { [Labels.Schedulable] = schedulable ? "true" : "false" };
        foreach (var machine in capabilities.Machines)
            labels[Labels.MachineTypePrefix + machine] = "true";
        foreach (var model in capabilities.CpuModels)
            labels[Labels.CpuModelPrefix + model] = "true";
        if (capabilities.HostModel is { } host)
            labels[Labels.HostModelPrefix + host] = "true";
        if (capabilities.HostVendor is { } vendor)
            labels[Labels.CpuVendorPrefix + vendor] = "true";
        foreach (var feature in capabilities.HostModelFeatures)
            labels[Labels.HostModelFeaturePrefix + feature] = labels[Labels.CpuFeaturePrefix + feature] = "true";
        return labels.Where(l => l.Key.Split('/')[^1].Length is > 0 and <= 63).ToDictionary();
    }
}
