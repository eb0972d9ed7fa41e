using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>What becomes of the mark that an eviction leaves on a VMI.</summary>
public sealed class EvictionMarkTests
{
    [Fact]
    public void A_marked_guest_says_so_until_it_has_left_the_node()
    {
        var marked = Guest("vm", evacuates: "node-1").Annotated(Annotations.EvictionSource, Annotations.Descheduler);
        var there = Wanted(marked, "node-1");
        Assert.Equal("node-1", there.Status!.EvacuationNodeName);
        Assert.Contains(there.Status.Conditions!, c => c is { Type: "EvictionRequested", Status: "True", Reason: "EvictionRequested", Message: "VMI is marked for eviction" });
        Assert.Equal("descheduler", there.Metadata.Annotations![Annotations.EvictionSource]);

        var gone = Wanted(there, "node-2");
        Assert.Null(gone.Status!.EvacuationNodeName);
        Assert.DoesNotContain(gone.Status.Conditions!, c => c.Type == "EvictionRequested");
        Assert.DoesNotContain(Annotations.EvictionSource, gone.Metadata.Annotations!.Keys);
    }

    [Fact]
    public void A_mark_that_was_taken_away_takes_its_condition_along() =>
        Assert.DoesNotContain(Wanted(Guest("vm").With("EvictionRequested"), "node-1").Status!.Conditions!, c => c.Type == "EvictionRequested");

    [Theory]
    [InlineData("node-1", false, true)]
    [InlineData("node-1", true, null)]
    [InlineData(null, true, false)]
    [InlineData(null, false, null)]
    public void The_pod_shows_deschedulers_whether_its_eviction_is_under_way(string? evacuates, bool shows, bool? mark)
    {
        var state = State(Guest("vm", evacuates: evacuates), "node-1");
        state = state with { Pod = state.Pod! with { EvictionInProgress = shows } };
        var effects = VmiLifecycle.Decide(state, Now, "abcde").Effects.OfType<VmiEffect.MarkEviction>().Select(e => (bool?)e.InProgress);
        Assert.Equal(mark is null ? [] : [mark], effects);
    }

    [Theory]
    [InlineData("true", null, true)]
    [InlineData("true", "true", false)]
    [InlineData(null, "true", true)]
    [InlineData(null, null, false)]
    public void Whether_deschedulers_should_move_a_guest_is_told_to_its_pod_while_it_runs(string? wish, string? known, bool tells)
    {
        var guest = Guest("vm");
        var state = State(wish is null ? guest : guest.Annotated(Annotations.Evict, wish), "node-1");
        state = state with { Pod = state.Pod! with { Evict = known } };
        var told = VmiLifecycle.Decide(state, Now, "abcde").Effects.OfType<VmiEffect.TellDeschedulers>().ToList();
        Assert.Equal(tells ? [new VmiEffect.TellDeschedulers("virt-launcher-vm-abcde", "pod-vm", wish, null)] : [], told);
    }

    [Fact]
    public void The_instance_wishes_what_its_machines_template_does()
    {
        var template = new Dictionary<string, string> { [Annotations.Evict] = "true", ["other"] = "x" };
        var instance = new Dictionary<string, string> { [Annotations.PreferNoEviction] = "true" };
        Assert.Equal($$"""{"{{Annotations.Evict}}":"true","{{Annotations.PreferNoEviction}}":null}""", Descheduling.Between(instance, template).ToJsonString());
        Assert.Empty(Descheduling.Between(template, template));
        Assert.Empty(Descheduling.Between(null, null));
    }

    [Theory]
    [InlineData("launcher:1", true)]
    [InlineData("launcher:2", false)]
    public void A_guest_in_an_old_launcher_bears_a_label(string image, bool isLabelled)
    {
        var state = State(Guest("vm"), "node-1") with { LauncherImage = "launcher:2" };
        state = state with { Pod = state.Pod! with { LauncherImage = image } };
        var before = state.Vmi! with { Metadata = state.Vmi.Metadata with { Labels = isLabelled ? null : new Dictionary<string, string> { [Labels.OutdatedLauncherImage] = "" } } };
        Assert.Equal(isLabelled, VmiProjection.Wanted(before, state, Now).Metadata.Labels!.ContainsKey(Labels.OutdatedLauncherImage));
    }

    private static VirtualMachineInstance Wanted(VirtualMachineInstance vmi, string node) => VmiProjection.Wanted(vmi, State(vmi, node), Now);

    private static VmiState State(VirtualMachineInstance vmi, string node) => new(vmi.Metadata.Uid!)
    {
        PodName = "virt-launcher-vm-abcde",
        Phase = VmiPhases.Running,
        Right = new Right(1, node, "pod-vm"),
        Vmi = vmi,
        Pod = new PodObservation("virt-launcher-vm-abcde", "pod-vm", node, "Running", true, false, ["10.0.0.1"], null, null, null, null, null, null, "launcher:2", new PodConditionObservation("True", null, null, null)),
        Report = new DomainReported(vmi.Metadata.Uid!, node, 1, "agent", 1, LauncherPresence.Connected, new DomainObservation { Epoch = 1, State = DomainState.Running }),
    };
}
