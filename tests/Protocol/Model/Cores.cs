using Troupe.ControlPlane.Migration;
using Troupe.Launcher.Migration;

namespace Troupe.Protocol.Tests.Model;

/// <summary>The three machines that are explored: the product's own, or one with a mistake in it.</summary>
internal sealed record Cores(
    Func<OngoingMigration, MigrationFacts, DateTimeOffset, Conducting> Conductor,
    Func<SourceEndpoint, SourceInput, (SourceEndpoint, SourceActions)> Source,
    Func<TargetEndpoint, TargetInput, (TargetEndpoint, TargetActions)> Target)
{
    /// <summary>Whether the file that outlives the source launcher says that the guest has not gone back.</summary>
    public Func<SourceEndpoint, bool> LeavesWord { get; init; } = e => e.LeavesWord;

    /// <summary>libvirt's connection to the target has a second owner, so that libvirt does not learn of its launcher's death.</summary>
    public bool HoldsConnection { get; init; } = true;

    /// <summary>So has QEMU's.</summary>
    public bool HoldsMemory { get; init; } = true;

    /// <summary>The source may switch to post-copy, so that libvirt's last step waits for its launcher.</summary>
    public bool PostCopy { get; init; }

    /// <summary>The guest's TPM and UEFI state are on a claim that one node may have, so that the target has another.</summary>
    public bool MovesState { get; init; }

    public static Cores Real { get; } = new(
        (m, f, now) => ControlPlane.Migration.Conductor.Decide(m, f, now, MigrationLimits.Default),
        (e, i) => e.Decide(i),
        (e, i) => e.Decide(i));
}
