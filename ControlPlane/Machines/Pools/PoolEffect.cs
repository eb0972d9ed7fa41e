using System.Text.Json.Nodes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>What a decision wants done.</summary>
public abstract record PoolEffect
{
    /// <summary>Machines of the pool's present revision.</summary>
    public sealed record Create(IReadOnlyList<int> Indexes) : PoolEffect;

    /// <param name="PreserveState">Their claims and DataVolumes are taken from them first, and stay.</param>
    /// <param name="Foreground">Their dependents go before they do.</param>
    public sealed record Delete(IReadOnlyList<VirtualMachine> Machines, bool PreserveState = false, bool Foreground = false) : PoolEffect;

    /// <summary>Merge patches that bring machines to the present revision.</summary>
    public sealed record Update(IReadOnlyList<(VirtualMachine Machine, JsonObject Patch)> Machines) : PoolEffect;

    /// <summary>Machines that the selector does not match any more go their own way.</summary>
    public sealed record Release(IReadOnlyList<VirtualMachine> Machines) : PoolEffect;

    /// <summary>The pool, and its machines, get the finalizer: nobody deletes them before what they leave is seen to.</summary>
    public sealed record Hold(VirtualMachinePool? Pool, IReadOnlyList<VirtualMachine> Machines) : PoolEffect;

    /// <summary>And lose it.</summary>
    /// <param name="PreserveState">The machines are being deleted, and their claims and DataVolumes are to stay.</param>
    public sealed record LetGo(VirtualMachinePool? Pool, IReadOnlyList<VirtualMachine> Machines, bool PreserveState = false) : PoolEffect;

    /// <summary>Running instances whose machine has another template now: their machines make new ones.</summary>
    public sealed record Restart(IReadOnlyList<VirtualMachineInstance> Instances) : PoolEffect;

    /// <summary>Instances that are as their machine's present revision wants them, under the name of an earlier one.</summary>
    public sealed record Relabel(IReadOnlyList<(VirtualMachineInstance Instance, string Revision)> Instances) : PoolEffect;

    public sealed record LoadRevisions(IReadOnlyList<string> Names) : PoolEffect;

    public sealed record PruneRevisions(IReadOnlySet<string> Keep) : PoolEffect;

    public sealed record LookAgain(TimeSpan After) : PoolEffect;

    public sealed record Retire : PoolEffect;
}
