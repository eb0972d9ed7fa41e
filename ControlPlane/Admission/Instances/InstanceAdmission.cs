using Troupe.ControlPlane.Admission.Defaults;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>VirtualMachineInstances: defaults and rules at creation, and how little may change afterwards.</summary>
internal static class InstanceAdmission
{
    private const string PresetWarning = "kubevirt.io/v1 VirtualMachineInstancePresets is now deprecated and will be removed in v2.";

    public static async Task<AdmissionAnswer> Mutate(AdmissionCall call, CancellationToken ct)
    {
        var (vmi, refusal) = call.Read<VirtualMachineInstance>();
        if (vmi is null)
            return refusal!;
        if (call.IsUpdate)
            return Protected(call, vmi);
        if (!call.IsCreate)
            return AdmissionAnswer.Allowed;
        var (merged, conflict) = Presets.Apply(vmi, await call.Objects.ListAsync<VirtualMachineInstancePreset>(vmi.Metadata.Namespace, ct));
        if (conflict is not null)
            return Verdict.Error(conflict, 422);
        try
        {
            var complete = GoForm.Of(InstanceDefaults.Apply(merged, call.Config, call.Now, () => Guid.NewGuid().ToString()));
            return new AdmissionAnswer(Verdict.AllowedWith(Presets.IsMarked(complete) ? [PresetWarning] : []), complete);
        }
        catch (AdmissionException e)
        {
            return Verdict.Error(e.Message);
        }
    }

    public static Task<AdmissionAnswer> ValidateCreate(AdmissionCall call, CancellationToken ct)
    {
        var (vmi, refusal) = call.Read<VirtualMachineInstance>();
        return Task.FromResult<AdmissionAnswer>(vmi is null
            ? refusal!
            : Verdict.Of(InstanceRules.NewInstance(vmi, call.Config, call.BySystem), InstanceRules.Warnings(vmi.Spec ?? new VirtualMachineInstanceSpec(), call.Config)));
    }

    public static Task<AdmissionAnswer> ValidateUpdate(AdmissionCall call, CancellationToken ct)
    {
        var (vmi, refusal) = call.Read<VirtualMachineInstance>();
        return Task.FromResult<AdmissionAnswer>(vmi is null ? refusal! : InstanceUpdateRules.Verdict(call, call.ReadOld<VirtualMachineInstance>() ?? vmi, vmi));
    }

    /// <summary>VMIs have no status subresource, so a user's write of one is undone silently: kubectl sends back what it read.</summary>
    private static AdmissionAnswer Protected(AdmissionCall call, VirtualMachineInstance vmi)
    {
        var old = call.ReadOld<VirtualMachineInstance>();
        return call.BySystem || old is null || ApiEquality.Same(old.Status, vmi.Status)
            ? AdmissionAnswer.Allowed
            : new AdmissionAnswer(Verdict.Allowed, vmi with { Status = old.Status });
    }
}
