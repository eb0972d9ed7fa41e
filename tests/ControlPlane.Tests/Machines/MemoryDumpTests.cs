using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class MemoryDumpTests
{
    private static readonly Volume Dump = new() { Name = "dump", MemoryDump = new MemoryDumpVolumeSource { ClaimName = "dump", Hotpluggable = true } };

    [Fact]
    public void The_claim_is_plugged_into_the_instance_and_then_into_the_machine_which_then_counts_as_dumping()
    {
        var asked = Vm("Always", Request("Associating"));
        Assert.Empty(Patches(State(asked)));
        Assert.Empty(Patches(State(asked, Instance("Scheduled"))));
        Assert.Empty(Patches(State(asked, Instance("Running", deleting: true))));

        var first = Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(Patches(State(asked, Instance("Running")))));
        Assert.Equal(("dump", "dump"), ((string?)first.Patch["spec"]!["volumes"]![1]!["name"], (string?)first.Patch["spec"]!["volumes"]![1]!["memoryDump"]!["claimName"]));
        Assert.Equal(("20", "MemoryDumpError"), ((string?)first.Patch["metadata"]!["resourceVersion"], first.FailureReason));

        var second = Assert.IsType<MachineEffect.PatchMachine>(Assert.Single(Patches(State(asked, Instance("Running", spec: With(Spec()))))));
        Assert.Equal("dump", (string?)second.Patch["spec"]!["template"]!["spec"]!["volumes"]![1]!["name"]);
        Assert.Equal("Associating", Next(State(asked, Instance("Running")))!.Phase);
        Assert.Equal("InProgress", Next(State(Vm("Always", Request("Associating"), With), Instance("Running", spec: With(Spec()))))!.Phase);
    }

    [Fact]
    public void What_the_instance_tells_of_its_dump_becomes_the_requests_story()
    {
        var dumping = Vm("Always", Request("InProgress"), With);
        Assert.Equal("InProgress", Next(State(dumping))!.Phase);
        var begun = Next(State(dumping, Told("MemoryDumpVolumeInProgress", start: Now)))!;
        Assert.Equal(("InProgress", Now, null), (begun.Phase, begun.StartTimestamp, begun.FileName));

        var done = Next(State(dumping, Told("MemoryDumpVolumeCompleted", Now, Now.AddSeconds(3))))!;
        Assert.Equal(("Unmounting", Now.AddSeconds(3), "web-dump.memory.dump"), (done.Phase, done.EndTimestamp, done.FileName));
        var failed = Next(State(dumping, Told("MemoryDumpVolumeFailed", Now, Now.AddSeconds(1), "Memory dump to pvc dump failed: no room")))!;
        Assert.Equal(("Failed", "Memory dump to pvc dump failed: no room", null), (failed.Phase, failed.Message, failed.FileName));
    }

    [Fact]
    public void After_the_dump_the_claim_says_what_is_on_it_and_leaves_the_instance_and_only_then_the_dump_is_complete()
    {
        var written = Vm("Always", Request("Unmounting", r => r with { FileName = "f" }), With);
        var instance = Told("MemoryDumpVolumeCompleted", Now, Now);
        var state = State(written, instance);
        Assert.Equal(new ClaimNote("dump", "f"), Assert.IsType<MachineEffect.NoteDump>(Assert.Single(Patches(state))).Note);
        var noted = state with { DumpNote = new ClaimNote("dump", "f") };
        var pulled = Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(Patches(noted)));
        Assert.Equal(["root"], pulled.Patch["spec"]!["volumes"]!.AsArray().Select(v => (string?)v!["name"]));
        Assert.Equal("Unmounting", Next(noted)!.Phase);

        var left = noted with { Instance = Instance("Running") };
        Assert.Empty(Patches(left));
        Assert.Equal("Completed", Next(left)!.Phase);
        Assert.Equal("Completed", Next(State(Vm("Always", Request("Completed"), With)))!.Phase);
    }

    [Fact]
    public void A_dump_that_failed_leaves_the_instance_too_and_the_claim_says_so()
    {
        var state = State(Vm("Always", Request("Failed"), With), Told("MemoryDumpVolumeFailed", Now, Now));
        Assert.Equal("Memory dump failed", Assert.IsType<MachineEffect.NoteDump>(Assert.Single(Patches(state))).Note.Text);
        Assert.IsType<MachineEffect.PatchInstance>(Assert.Single(Patches(state with { DumpNote = new ClaimNote("dump", "Memory dump failed") })));
        Assert.Equal("Failed", Next(state)!.Phase);
    }

    [Fact]
    public void Taken_away_the_claim_leaves_instance_and_machine_and_then_the_request_goes()
    {
        var asked = Vm("Always", Request("InProgress", r => r with { Remove = true }), With);
        Assert.Equal("Dissociating", Next(State(asked))!.Phase);
        var going = Vm("Always", Request("Dissociating", r => r with { Remove = true }), With);
        var state = State(going, Told("MemoryDumpVolumeCompleted", Now, Now));
        Assert.Equal(["PatchInstance", "PatchMachine"], Patches(state).Select(e => e.GetType().Name));
        Assert.Equal("Dissociating", Next(state)!.Phase);
        Assert.Equal("Dissociating", Next(State(going, Instance("Running")))!.Phase);
        var gone = State(Vm("Always", Request("Dissociating", r => r with { Remove = true })), Instance("Running"));
        Assert.Null(Next(gone));
        // Whoever asks again in this very moment is not overwritten.
        var patch = MachineProjection.Patch(gone, Decide(gone), Now)!;
        Assert.Equal(("10", true), ((string?)patch["metadata"]!["resourceVersion"], patch["status"]!.AsObject().ContainsKey("memoryDumpRequest")));
    }

    [Theory]
    [InlineData("Completed", false)]
    [InlineData("Failed", false)]
    [InlineData("Unmounting", false)]
    [InlineData("InProgress", true)]
    public void A_restart_repeats_no_dump_that_is_over(string phase, bool dumps)
    {
        var (instance, _) = InstanceBuilder.Build(Vm("Always", Request(phase), With), new InstanceParts(null, null, "r", Paused: false));
        Assert.Equal(dumps, instance.Spec!.Volumes!.Any(v => v.Name == "dump"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_dump_is_no_change_that_needs_a_restart(bool live)
    {
        var outcome = LiveUpdate.Decide(Spec(), With(Spec()), Spec(), new MachineConfig(LiveUpdate: live));
        Assert.Null(outcome.RestartRequired);
        Assert.True(LiveUpdate.Same(outcome.Instance, Spec()));
        Assert.True(LiveUpdate.Same(LiveUpdate.Decide(With(Spec()), Spec(), With(Spec()), new MachineConfig(LiveUpdate: live)).Instance, With(Spec())));
    }

    private static IReadOnlyList<MachineEffect> Patches(MachineState state) =>
        [.. Decide(state).Effects.Where(e => e is MachineEffect.PatchInstance or MachineEffect.PatchMachine or MachineEffect.NoteDump)];

    private static VirtualMachineMemoryDumpRequest? Next(MachineState state) => MachineProjection.Status(state, Decide(state), Now).MemoryDumpRequest;

    private static Func<VirtualMachineStatus, VirtualMachineStatus> Request(string phase, Func<VirtualMachineMemoryDumpRequest, VirtualMachineMemoryDumpRequest>? more = null) =>
        s => s with { RunStrategy = "Always", MemoryDumpRequest = (more ?? (r => r))(new VirtualMachineMemoryDumpRequest { ClaimName = "dump", Phase = phase }) };

    private static VirtualMachineInstanceSpec With(VirtualMachineInstanceSpec spec) => spec with { Volumes = [.. spec.Volumes!, Dump] };

    private static VirtualMachineInstance Told(string phase, DateTimeOffset? start = null, DateTimeOffset? end = null, string? message = null)
    {
        var instance = Instance("Running", spec: With(Spec()));
        return instance with
        {
            Status = instance.Status! with
            {
                VolumeStatus =
                [
                    new VolumeStatus
                    {
                        Name = "dump",
                        Phase = phase,
                        Message = message,
                        MemoryDumpVolume = new DomainMemoryDumpInfo { ClaimName = "dump", StartTimestamp = start, EndTimestamp = end, TargetFileName = "web-dump.memory.dump" },
                    },
                ],
            },
        };
    }
}
