using Troupe.ControlPlane.Migration;

namespace Troupe.Protocol.Tests.Model;

/// <summary>What must hold in every world that can be reached.</summary>
internal static class Laws
{
    /// <summary>The law that the world breaks, in words; null when it breaks none.</summary>
    public static string? BrokenBy(World w)
    {
        if (w is { SourceQemu: Qemu.Running, TargetQemu: Qemu.Running })
            return "the guest runs twice";
        if (w is { TargetQemu: Qemu.Running, CopyIsStale: true })
            return "the target runs a copy from before the source went on";
        if (w is { HandedOver: true, SourceQemu: Qemu.Running })
            return "the source runs the guest after its right was handed over";
        if (w.TargetQemu is Qemu.Running && w is { Ongoing: true, Step: < MigrationStep.Started })
            return "the target runs before the migration was started";
        if (w is { OldClaimGone: true, NewClaim: not NewClaim.Guests })
            return "the guest's state is lost";
        if (w is { Partial: true, NewClaim: NewClaim.Guests })
            return "the guest has the state of a copy that is not whole";
        return w.IsEnded ? BrokenAtTheEnd(w) : null;
    }

    private static string? BrokenAtTheEnd(World w)
    {
        if (!w.QemuDied && w.SourceQemu is not Qemu.Running && w.TargetQemu is not Qemu.Running)
            return "nobody runs the guest, and no QEMU died by itself";
        if (w.OldClaimGone != w.NewClaim is NewClaim.Guests || w.NewClaim is NewClaim.Made)
            return "more than one claim is left for the guest's state";
        if (w.OldClaimGone && !w.HandedOver || w is { NewClaim: NewClaim.Gone, TargetQemu: Qemu.Running })
            return "the guest has the other's state";
        if (w.HandedOver)
            return w.SourceAlive || w.SourceQemu is not Qemu.Dead ? "something is left at the source after the guest moved" : null;
        return w.Pod is not TargetPodState.Gone || w.TargetQemu is Qemu.Incoming or Qemu.Loaded or Qemu.Running ? "something is left at the target after a failed migration" : null;
    }
}
