using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>The condition of a VirtualMachineInstanceMigration that tells why its target could not take the guest. Troupe's own; KubeVirt finds out in mid-migration.</summary>
internal static class TargetCompatibility
{
    public const string Condition = "TargetCompatible";

    /// <summary>Null when nothing was found.</summary>
    public static Condition? Of(MigrationNews? news) => news is { Phase: MigrationPhases.Failed, Reason: { } reason } && PreflightReasons.All.Contains(reason)
        ? new Condition { Type = Condition, Status = "False", Reason = reason, Message = news.Message }
        : null;
}
