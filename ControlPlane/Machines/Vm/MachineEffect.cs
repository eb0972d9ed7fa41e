using System.Text.Json.Nodes;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>What a decision wants done.</summary>
public abstract record MachineEffect
{
    /// <param name="Paused">The guest starts with its CPUs stopped.</param>
    public sealed record StartInstance(bool Paused) : MachineEffect;

    public sealed record DeleteInstance(string Name, string Uid) : MachineEffect;

    /// <summary>Before a machine that is being deleted takes its instance along: the instance may have been let go meanwhile.</summary>
    public sealed record LookWhoOwnsInstance(string Name, string Uid) : MachineEffect;

    /// <summary>A merge patch of the machine without its status.</summary>
    public sealed record PatchMachine(JsonObject Patch) : MachineEffect;

    /// <summary>A merge patch of the present instance.</summary>
    public sealed record PatchInstance(JsonObject Patch, string FailureReason) : MachineEffect;

    /// <summary>The claim of a memory dump says what is on it.</summary>
    public sealed record NoteDump(ClaimNote Note) : MachineEffect;

    public sealed record CreateDataVolume(DataVolume DataVolume) : MachineEffect;

    /// <summary>The revision that the present instance was made from must be read before changes can be judged.</summary>
    public sealed record LoadRevision(string Name) : MachineEffect;

    /// <summary>What the instance was sized by, and what its machine names now, must be read before the change can be judged.</summary>
    public sealed record LoadSizing(VirtualMachineSpec Started, string Key) : MachineEffect;

    /// <param name="Type">`Normal` or `Warning`.</param>
    public sealed record Announce(string Type, string Reason, string Message) : MachineEffect;

    public sealed record LookAgain(TimeSpan After) : MachineEffect;

    /// <summary>The machine is gone and so is the actor's task.</summary>
    public sealed record Retire : MachineEffect;
}
