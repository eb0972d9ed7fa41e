using System.Text.Json.Nodes;
using Akka.Actor;
using Akka.TestKit.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Machines;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

/// <summary>The actor with an API server in memory, which tells it of every change as the feed would.</summary>
public sealed class MachineActorTests : TestKit
{
    private readonly RecordingApi _api = new();
    private readonly EventRecorder _events;
    private readonly IActorRef _actor;

    public MachineActorTests()
    {
        _events = new EventRecorder(_api, "test", "host", TimeProvider.System, NullLogger.Instance);
        _actor = Sys.ActorOf(MachineActor.Props("vm-1", new MachineActorServices(_api, _events, () => new MachineConfig(), TimeProvider.System, NullLogger.Instance)));
        _api.Changed += (obj, gone) =>
        {
            object? news = (obj, gone) switch
            {
                (VirtualMachine, true) => new MachineGone("vm-1"),
                (VirtualMachine machine, false) => new MachineObserved("vm-1", machine),
                (VirtualMachineInstance instance, true) => new InstanceGone("vm-1", instance.Metadata.Uid!),
                (VirtualMachineInstance instance, false) => new InstanceObserved("vm-1", instance),
                _ => null,
            };
            if (news is not null)
                _actor.Tell(news);
        };
    }

    [Fact]
    public async Task A_machine_is_started_with_a_revision_an_instance_and_two_status_writes()
    {
        _api.Put(Vm("Always"));
        _actor.Tell(new NoInstanceListed("vm-1"));
        await Eventually(() => Status() is { PrintableStatus: "Starting", Created: true });
        SetPhase("Running");
        await Eventually(() => Status() is { PrintableStatus: "Running" });
        Assert.NotNull(_api.Find<ControllerRevision>("revision-start-vm-vm-1-1"));
        Assert.Equal(
            ["create ControllerRevision revision-start-vm-vm-1-1", "create VirtualMachineInstance web"],
            Written().Where(w => w.StartsWith("create", StringComparison.Ordinal)));
        // Starting and Running; the start tells all that it makes at once.
        Assert.InRange(Written().Count(w => w == "patch VirtualMachine/status web"), 1, 2);
    }

    [Fact]
    public async Task A_guest_that_ends_under_Always_is_replaced_by_a_new_instance()
    {
        _api.Put(Vm("Always"));
        _actor.Tell(new NoInstanceListed("vm-1"));
        await Eventually(() => Instance() is not null);
        var first = Instance()!.Metadata.Uid;
        SetPhase("Running");
        SetPhase("Succeeded");
        await Eventually(() => Instance() is { } next && next.Metadata.Uid != first);
        Assert.Null(Status()?.StartFailure);
        Assert.Equal(2, Written().Count(w => w == "create VirtualMachineInstance web"));
        Assert.Single(Written(), w => w.StartsWith("create ControllerRevision", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_guest_that_never_came_up_is_not_started_again_at_once()
    {
        _api.Put(Vm("Always"));
        _actor.Tell(new NoInstanceListed("vm-1"));
        await Eventually(() => Instance() is not null);
        SetPhase("Failed");
        await Eventually(() => Status() is { PrintableStatus: "CrashLoopBackOff", StartFailure.ConsecutiveFailCount: 1 });
        Assert.Null(Instance());
    }

    [Fact]
    public async Task An_instance_type_sizes_the_instance_and_is_kept_as_a_revision()
    {
        _api.Put(new VirtualMachineClusterInstancetype
        {
            Metadata = new ObjectMeta { Name = "big", Uid = "it-1", Generation = 2 },
            Spec = new VirtualMachineInstancetypeSpec { Cpu = new CPUInstancetype { Guest = 4 }, Memory = new MemoryInstancetype { Guest = new Quantity("8Gi") } },
        });
        var machine = Vm("Always", template: s => s with { Domain = s.Domain! with { Cpu = null, Memory = null } });
        _api.Put(machine with { Spec = machine.Spec! with { Instancetype = new InstancetypeMatcher { Name = "big" } } });
        _actor.Tell(new NoInstanceListed("vm-1"));
        await Eventually(() => Status()?.InstancetypeRef?.ControllerRevisionRef?.Name == "web-big-it-1-2");
        Assert.Equal((4, "8Gi"), (Instance()!.Spec!.Domain!.Cpu!.Sockets, Instance()!.Spec!.Domain!.Memory!.Guest!.Value.Text));
        Assert.NotNull(_api.Find<ControllerRevision>("web-big-it-1-2"));
    }

    [Fact]
    public async Task A_missing_instance_type_is_told_and_tried_again()
    {
        var machine = Vm("Always", template: s => s with { Domain = s.Domain! with { Cpu = null, Memory = null } });
        _api.Put(machine with { Spec = machine.Spec! with { Instancetype = new InstancetypeMatcher { Name = "big" } } });
        _actor.Tell(new NoInstanceListed("vm-1"));
        await Eventually(() => Status()?.Conditions?.Any(c => c is { Type: "Failure", Reason: "FailedCreate" }) is true);
        _api.Put(new VirtualMachineClusterInstancetype
        {
            Metadata = new ObjectMeta { Name = "big", Uid = "it-1", Generation = 1 },
            Spec = new VirtualMachineInstancetypeSpec { Cpu = new CPUInstancetype { Guest = 1 }, Memory = new MemoryInstancetype { Guest = new Quantity("1Gi") } },
        });
        await Eventually(() => Instance() is not null && Status()?.Conditions?.Any(c => c.Type == "Failure") is not true);
    }

    [Fact]
    public async Task What_the_API_server_refuses_is_told_as_KubeVirt_tells_it_until_it_goes_well()
    {
        string? Failure() => Status()?.Conditions?.FirstOrDefault(c => c.Type == "Failure") is { } f ? $"{f.Reason}: {f.Message}" : null;
        _api.Refuse = what => what.StartsWith("create VirtualMachineInstance ", StringComparison.Ordinal) ? "exceeded quota" : what.StartsWith("delete", StringComparison.Ordinal) ? "not now" : null;
        _api.Put(Vm("Always"));
        _actor.Tell(new NoInstanceListed("vm-1"));
        await Eventually(() => Failure() == "FailedCreate: Failure while starting VMI: exceeded quota");
        _api.Refuse = what => what.StartsWith("delete", StringComparison.Ordinal) ? "not now" : null;
        await Eventually(() => Instance() is not null && Failure() is null);
        await _api.PatchAsync<VirtualMachine>("n", "web", PatchType.Merge, new JsonObject { ["spec"] = new JsonObject { ["runStrategy"] = "Halted" } });
        await Eventually(() => Failure() == "FailedDelete: Failure attempting to delete VMI: not now");
        _api.Refuse = null;
        await Eventually(() => Instance()?.Metadata.DeletionTimestamp is not null && Failure() is null);
        bool IsTold(string reason, string message) => _api.All<Event>().Any(e => e.Reason == reason && e.Message == message);
        await Eventually(() => IsTold("FailedCreate", "Error creating virtual machine instance: exceeded quota"));
        await Eventually(() => IsTold("FailedDelete", "Error deleting virtual machine instance web: not now"));
    }

    [Fact]
    public async Task A_deleted_machine_takes_its_instance_along()
    {
        _api.Put(Vm("Always"));
        _actor.Tell(new NoInstanceListed("vm-1"));
        await Eventually(() => Instance() is not null);
        await _api.DeleteAsync<VirtualMachine>("n", "web");
        await Eventually(() => Instance()?.Metadata.DeletionTimestamp is not null);
        await Eventually(() => Status()?.PrintableStatus is "Terminating" or null);
        SetPhase("Succeeded");
        await Eventually(() => _api.Find<VirtualMachine>("web") is null && Instance() is null);
    }

    private VirtualMachineStatus? Status() => _api.Find<VirtualMachine>("web")?.Status;

    private VirtualMachineInstance? Instance() => _api.Find<VirtualMachineInstance>("web");

    private IReadOnlyList<string> Written() => [.. _api.Writes.Where(w => !w.Contains("Event", StringComparison.Ordinal))];

    /// <summary>As the instance's own actor would write it.</summary>
    private void SetPhase(string phase)
    {
        var instance = Instance()!;
        var seen = instance.Status?.PhaseTransitionTimestamps ?? [];
        _api.Put(instance with
        {
            Status = (instance.Status ?? new VirtualMachineInstanceStatus()) with
            {
                Phase = phase,
                PhaseTransitionTimestamps = [.. seen, new VirtualMachineInstancePhaseTransitionTimestamp { Phase = phase, PhaseTransitionTimestamp = MachineSamples.Now }],
            },
        });
    }

    private Task Eventually(Func<bool> condition) => AwaitConditionAsync(() => Task.FromResult(condition()), TimeSpan.FromSeconds(15));

    protected override void AfterAll()
    {
        _events.DisposeAsync().AsTask().GetAwaiter().GetResult();
        base.AfterAll();
    }
}
