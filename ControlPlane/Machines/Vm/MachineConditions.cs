using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>The machine's conditions: its own, and the mirrored ones of its instance.</summary>
public static class MachineConditions
{
    public const string Failure = "Failure";
    public const string RestartRequired = "RestartRequired";
    public const string ManualRecoveryRequired = "ManualRecoveryRequired";

    /// <summary>These the machine has of its own.</summary>
    private static readonly string[] NotMirrored = [Conditions.Ready, Failure, RestartRequired];

    /// <summary>A transition time moves only with the status of its condition.</summary>
    public static IReadOnlyList<Condition> Of(IReadOnlyList<Condition> current, VirtualMachineInstance? instance, SyncFailure? failure, string? restartRequired, string? recoveryRequired, DateTimeOffset now)
    {
        IEnumerable<Condition?> wanted =
        [
            Ready(instance),
            failure is null ? null : Make(Failure, "True", failure.Reason, failure.Message),
            restartRequired is null ? null : Make(RestartRequired, "True", null, restartRequired),
            recoveryRequired is null ? null : Make(ManualRecoveryRequired, "True", recoveryRequired, null),
            .. (instance?.Status?.Conditions ?? []).Where(c => !NotMirrored.Contains(c.Type)).Select(c => Make(c.Type!, c.Status!, c.Reason, c.Message) with { LastTransitionTime = c.LastTransitionTime }),
        ];
        return
        [
            .. wanted.OfType<Condition>().Select(w => current.FirstOrDefault(c => c.Type == w.Type) is { } old && old.Status == w.Status
                ? old with { Reason = w.Reason, Message = w.Message }
                : w with { LastTransitionTime = w.LastTransitionTime ?? now }),
        ];
    }

    private static Condition Ready(VirtualMachineInstance? instance) => instance switch
    {
        null => Make(Conditions.Ready, "False", "VMINotExists", "VMI does not exist"),
        _ when instance.Status?.Conditions?.FirstOrDefault(c => c.Type == Conditions.Ready) is { } ready => Make(Conditions.Ready, ready.Status!, ready.Reason, ready.Message),
        _ => Make(Conditions.Ready, "False", "VMIConditionMissing", "VMI is missing the Ready condition"),
    };

    private static Condition Make(string type, string status, string? reason, string? message) => new()
    {
        Type = type,
        Status = status,
        Reason = reason,
        Message = message,
    };
}
