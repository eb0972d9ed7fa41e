using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Migrations;
using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Tests.Migration;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>What an eviction of a pod is answered, in KubeVirt's words.</summary>
public sealed class PodEvictionTests
{
    private const string Triggered = "Eviction triggered evacuation of VMI \"ns/vm\"";
    private readonly FakeObjects _objects = new();

    [Theory]
    [InlineData(EvictionStrategies.LiveMigrate, "True", Triggered, true)]
    [InlineData(EvictionStrategies.LiveMigrate, "False", "VMI vm is configured with an eviction strategy but is not live-migratable", false)]
    [InlineData(EvictionStrategies.LiveMigrateIfPossible, "True", Triggered, true)]
    [InlineData(EvictionStrategies.LiveMigrateIfPossible, "False", null, false)]
    [InlineData(EvictionStrategies.External, "True", Triggered, true)]
    [InlineData(EvictionStrategies.External, "False", Triggered, true)]
    [InlineData(EvictionStrategies.None, "True", null, false)]
    [InlineData(null, "True", null, false)]
    public async Task The_guests_strategy_decides(string? strategy, string migratable, string? refusal, bool isMarked)
    {
        _objects.Add(MigrationSamples.Guest("vm", strategy, migratable: migratable));
        await Refused(refusal);
        Assert.Equal(isMarked ? [("vm", """[{"op":"add","path":"/status/evacuationNodeName","value":"node-1"}]""", false)] : [], _objects.Patches);
    }

    [Fact]
    public async Task A_guest_without_a_strategy_has_the_clusters()
    {
        _objects.Add(MigrationSamples.Guest("vm", null));
        await Refused(Triggered, config: ClusterConfig.Default with { EvictionStrategy = EvictionStrategies.LiveMigrate });
    }

    [Fact]
    public async Task A_guest_that_is_marked_already_is_not_marked_again()
    {
        _objects.Add(MigrationSamples.Guest("vm", evacuates: "node-1"));
        await Refused($"Evacuation in progress: {Triggered}");
        Assert.Empty(_objects.Patches);
    }

    [Fact]
    public async Task The_pod_that_a_guest_moves_to_stays()
    {
        _objects.Add(MigrationSamples.Guest("vm"));
        await Refused("Eviction request for target Pod", pod: Launcher(node: "node-2"));
        Assert.Empty(_objects.Patches);
    }

    [Theory]
    [InlineData("""{ "deleteOptions": { "dryRun": ["All"] } }""", null)]
    [InlineData("{}", true)]
    public async Task A_dry_run_marks_nothing_for_good(string eviction, bool? requestIsDry)
    {
        _objects.Add(MigrationSamples.Guest("vm"));
        await Refused(Triggered, eviction: eviction, dryRun: requestIsDry);
        Assert.True(Assert.Single(_objects.Patches).DryRun);
    }

    [Theory]
    [InlineData(false, """{"op":"add","path":"/metadata/annotations","value":{"kubevirt.io/eviction-source":"descheduler"}}""")]
    [InlineData(true, """{"op":"add","path":"/metadata/annotations/kubevirt.io~1eviction-source","value":"descheduler"}""")]
    public async Task A_descheduler_is_remembered(bool hasAnnotations, string operation)
    {
        var vmi = MigrationSamples.Guest("vm");
        _objects.Add(hasAnnotations ? vmi.Annotated("other", "x") : vmi);
        await Refused(Triggered, eviction: """{ "metadata": { "annotations": { "requested-by": "sigs.k8s.io/descheduler" } } }""");
        Assert.Contains(operation, Assert.Single(_objects.Patches).Patch, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mark_that_cannot_be_set_refuses_the_eviction()
    {
        var objects = new FakeObjects { PatchRefusal = new HttpRequestException("no route") };
        objects.Add(MigrationSamples.Guest("vm"));
        objects.Add(Launcher());
        Assert.Equal("kubevirt failed marking the vmi for eviction: no route", (await Ask(objects, "virt-launcher-vm")).Refusal?.Message);
    }

    [Fact]
    public async Task A_launcher_whose_VMI_is_not_there_stays() => await Refused("kubevirt failed getting the vmi: virtualmachineinstances.kubevirt.io \"vm\" not found");

    [Theory]
    [InlineData("Succeeded")]
    [InlineData("Failed")]
    public async Task A_launcher_that_has_ended_may_go(string phase)
    {
        _objects.Add(MigrationSamples.Guest("vm"));
        await Refused(null, pod: Launcher() with { Status = new PodStatus { Phase = phase } });
    }

    [Fact]
    public async Task Other_pods_and_pods_that_are_gone_are_none_of_our_business()
    {
        _objects.Add(new Pod { Metadata = new ObjectMeta { Name = "virt-launcher-of-somebody", Namespace = "ns" } });
        Assert.True((await Ask(_objects, "virt-launcher-of-somebody")).IsAllowed);
        Assert.True((await Ask(_objects, "gone")).IsAllowed);
    }

    [Theory]
    [InlineData(true, "cannot evict hotplug pod: hp-volume-x associated with running vmi: vm in namespace ns")]
    [InlineData(false, null)]
    public async Task A_hotplug_pod_stays_as_long_as_its_guest(bool hasVmi, string? refusal)
    {
        if (hasVmi)
            _objects.Add(MigrationSamples.Guest("vm"));
        _objects.Add(Launcher());
        var plug = new Pod
        {
            Metadata = new ObjectMeta
            {
                Name = "hp-volume-x",
                Namespace = "ns",
                Labels = new Dictionary<string, string> { [Labels.App] = Labels.HotplugApp },
                OwnerReferences = [new OwnerReference { Kind = "Pod", Name = "virt-launcher-vm", Uid = "p" }],
            },
        };
        _objects.Add(plug);
        Assert.Equal(refusal, (await Ask(_objects, "hp-volume-x")).Refusal?.Message);
    }

    private async Task Refused(string? message, Pod? pod = null, string eviction = "{}", bool? dryRun = null, ClusterConfig? config = null)
    {
        _objects.Add(pod ?? Launcher());
        var verdict = await Ask(_objects, "virt-launcher-vm", eviction, dryRun, config);
        Assert.Equal((message, message is null ? null : 429), (verdict.Refusal?.Message, verdict.Refusal?.Code));
    }

    private static async Task<Verdict> Ask(FakeObjects objects, string pod, string eviction = "{}", bool? dryRun = null, ClusterConfig? config = null)
    {
        var request = new AdmissionRequest { Name = pod, Namespace = "ns", Object = JsonSerializer.SerializeToElement(JsonNode.Parse(eviction)), DryRun = dryRun };
        return (await PodEviction.Validate(new AdmissionCall(request, config ?? ClusterConfig.Default, objects, false, AdmissionHarness.Now), TestContext.Current.CancellationToken)).Verdict;
    }

    private static Pod Launcher(string node = "node-1") => new()
    {
        Metadata = new ObjectMeta
        {
            Name = "virt-launcher-vm",
            Namespace = "ns",
            Uid = "p",
            Labels = new Dictionary<string, string> { [Labels.App] = Labels.LauncherApp },
            Annotations = new Dictionary<string, string> { [Annotations.Domain] = "vm" },
        },
        Spec = new PodSpec { NodeName = node },
        Status = new PodStatus { Phase = "Running" },
    };
}
