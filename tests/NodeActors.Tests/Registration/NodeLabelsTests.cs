using System.Text.Json.Nodes;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Registration;
using Xunit;

namespace Troupe.NodeActors.Tests.Registration;

public sealed class NodeLabelsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 2, 0, 0, TimeSpan.Zero);
    internal static readonly NodeCapabilities Host = new(false, "9.0.0", "7.2.22", ["pc", "q35", "pc-q35-7.2"], ["Penryn", "qemu64"], "EPYC", "AMD", ["acpi", "erms"]);

    [Fact]
    public void A_fresh_node_gets_all_labels_and_its_heartbeat_in_one_patch()
    {
        var labels = Labels(NodeLabels.Patch(new Dictionary<string, string> { ["kubernetes.io/arch"] = "amd64" }, Host, schedulable: true, Now));
        Assert.Equal("true", labels["kubevirt.io/schedulable"]);
        Assert.Equal("true", labels["machine-type.node.kubevirt.io/pc-q35-7.2"]);
        Assert.Equal("true", labels["cpu-model.node.kubevirt.io/Penryn"]);
        Assert.Equal("true", labels["host-model-cpu.node.kubevirt.io/EPYC"]);
        Assert.Equal("true", labels["cpu-vendor.node.kubevirt.io/AMD"]);
        Assert.Equal("true", labels["cpu-feature.node.kubevirt.io/erms"]);
        Assert.DoesNotContain("kubernetes.io/arch", labels.Keys);
    }

    [Fact]
    public void A_node_that_is_up_to_date_gets_its_heartbeat_only()
    {
        var patch = NodeLabels.Patch(NodeLabels.Wanted(Host, schedulable: true), Host, schedulable: true, Now);
        Assert.Equal("""{"metadata":{"annotations":{"kubevirt.io/heartbeat":"2026-11-23T02:00:00Z"}}}""", patch.ToJsonString());
    }

    [Fact]
    public void Labels_that_no_longer_hold_are_removed_and_strangers_left_alone()
    {
        var current = NodeLabels.Wanted(Host, schedulable: true).ToDictionary();
        current["cpu-model.node.kubevirt.io/Gone"] = "true";
        current["zone"] = "a";
        var (key, value) = Assert.Single(Labels(NodeLabels.Patch(current, Host, schedulable: true, Now)));
        Assert.Equal(("cpu-model.node.kubevirt.io/Gone", null), (key, value));
    }

    private static Dictionary<string, string?> Labels(JsonObject patch) => patch["metadata"]!["labels"]!.AsObject().ToDictionary(l => l.Key, l => (string?)l.Value);
}
