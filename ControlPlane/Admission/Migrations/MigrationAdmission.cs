using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Migrations;

/// <summary>VirtualMachineInstanceMigrations: one at a time for a VMI, and never changed once they are there.</summary>
internal static class MigrationAdmission
{
    public const string SelectorLabel = "kubevirt.io/vmi-name";
    private const string Finalizer = "kubevirt.io/migrationJobFinalize";
    private const string ControllerAccount = "kubevirt-controller";

    public static Task<AdmissionAnswer> Mutate(AdmissionCall call, CancellationToken ct)
    {
        var (migration, refusal) = call.Read<VirtualMachineInstanceMigration>();
        if (migration is null)
            return Task.FromResult<AdmissionAnswer>(refusal!);
        var labels = new Dictionary<string, string>(migration.Metadata.Labels ?? new Dictionary<string, string>()) { [SelectorLabel] = migration.Spec?.VmiName.OrEmpty() ?? "" };
        var metadata = migration.Metadata with { Labels = labels, Finalizers = [.. migration.Metadata.Finalizers ?? [], Finalizer] };
        return Task.FromResult(new AdmissionAnswer(Verdict.Allowed, migration with { Metadata = metadata }));
    }

    public static async Task<AdmissionAnswer> ValidateCreate(AdmissionCall call, CancellationToken ct)
    {
        var (migration, refusal) = call.Read<VirtualMachineInstanceMigration>();
        if (migration is null)
            return refusal!;
        var spec = migration.Spec ?? new VirtualMachineInstanceMigrationSpec();
        if (spec.VmiName is null or "")
            return Verdict.Of([Cause.Required(FieldPath.Spec["vmiName"], "vmiName is missing")]);
        if (spec.Priority is not null && !IsController(call))
            return Verdict.Of([Cause.Forbidden(FieldPath.Spec["migrationPriority"], "Migration priority queue, only virt-controller is allowed to set priority field")]);
        var ns = migration.Metadata.Namespace;
        var vmi = await call.Objects.FindAsync<VirtualMachineInstance>(ns, spec.VmiName, ct);
        if (vmi is null)
            return Verdict.Error($"the VMI \"{ns}/{spec.VmiName}\" does not exist");
        if (Problem(vmi, spec) is { } problem)
            return Verdict.Error(problem);
        var others = await call.Objects.ListAsync<VirtualMachineInstanceMigration>(ns, $"{SelectorLabel}={spec.VmiName}", ct);
        if (others.FirstOrDefault(o => o.Metadata.Labels?.GetValueOrDefault(SelectorLabel) == spec.VmiName && o.Status?.Phase is not ("Succeeded" or "Failed")) is { } running)
        {
            return Verdict.Error(
                $"in-flight migration detected. Active migration job ({running.Metadata.Uid}) is currently already in progress for VMI {running.Spec?.VmiName}.");
        }

        return Verdict.Of(Decentralized(spec, call.Config));
    }

    public static Task<AdmissionAnswer> ValidateUpdate(AdmissionCall call, CancellationToken ct)
    {
        var (migration, refusal) = call.Read<VirtualMachineInstanceMigration>();
        return Task.FromResult<AdmissionAnswer>(migration is null ? refusal! : Verdict.Of(Change(call.ReadOld<VirtualMachineInstanceMigration>() ?? migration, migration)));
    }

    private static string? Problem(VirtualMachineInstance vmi, VirtualMachineInstanceMigrationSpec spec)
    {
        if (vmi.Status?.Phase is "Succeeded" or "Failed")
            return "Cannot migrate VMI in finalized state.";
        // Another cluster gets copies of disks that can't be shared.
        var blocked = vmi.Status?.Conditions?.FirstOrDefault(c => c is { Type: "LiveMigratable", Status: "False" }
            && !(c.Reason == "DisksNotLiveMigratable" && spec.SendTo is null != spec.Receive is null));
        return blocked is null ? null : $"Cannot migrate VMI, Reason: {blocked.Reason}, Message: {blocked.Message}";
    }

    private static IEnumerable<StatusCause> Decentralized(VirtualMachineInstanceMigrationSpec spec, ClusterConfig config)
    {
        if (spec is { SendTo: null, Receive: null })
            yield break;
        if (!config.IsEnabled(FeatureGates.DecentralizedLiveMigration))
            yield return Cause.NotSupported(FieldPath.Root, $"{FeatureGates.DecentralizedLiveMigration} feature gate is not enabled in kubevirt resource");
        else if (spec is { SendTo: { } send, Receive: { } receive } && send.MigrationID != receive.MigrationID)
            yield return Cause.Invalid(FieldPath.Root, $"sendTo migrationID {send.MigrationID} does not match receive migrationID {receive.MigrationID}");
    }

    private static IEnumerable<StatusCause> Change(VirtualMachineInstanceMigration old, VirtualMachineInstanceMigration migration)
    {
        var (was, label) = (old.Metadata.Labels?.GetValueOrDefault(SelectorLabel), migration.Metadata.Labels?.GetValueOrDefault(SelectorLabel));
        if (!ApiEquality.Same(old.Spec, migration.Spec))
            yield return Cause.NotSupported(FieldPath.Root, "update of Migration object's spec is restricted");
        else if (migration.Status?.Phase is not ("Succeeded" or "Failed") && was is not null && was != label)
        {
            yield return Cause.NotSupported(FieldPath.Root, migration.Metadata.Labels is null
                ? "selector label can't be removed from an in-flight migration"
                : "selector label can't be modified on an in-flight migration");
        }
    }

    private static bool IsController(AdmissionCall call) => call.BySystem
        && (!call.Request.UserInfo.Username.StartsWith("system:serviceaccount:", StringComparison.Ordinal)
            || call.Request.UserInfo.Username.EndsWith(ControllerAccount, StringComparison.Ordinal));
}
