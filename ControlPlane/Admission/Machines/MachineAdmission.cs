using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Defaults;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Machines;

/// <summary>VirtualMachines.</summary>
/// <param name="instancetypes">What a machine gets from its instancetype and preference.</param>
internal sealed class MachineAdmission(IInstancetypes instancetypes)
{
    public async Task<AdmissionAnswer> Mutate(AdmissionCall call, CancellationToken ct)
    {
        var (vm, refusal) = call.Read<VirtualMachine>();
        if (vm is null)
            return refusal!;
        // What is being deleted is left alone: the objects it refers to may be gone already.
        if (vm.Metadata.DeletionTimestamp is not null)
            return AdmissionAnswer.Allowed;
        var old = call.IsUpdate ? call.ReadOld<VirtualMachine>() : null;
        if (MatcherRules.Problems(old?.Spec, vm.Spec ?? new VirtualMachineSpec()) is { Count: > 0 } problems)
            return Verdict.Of(problems);
        try
        {
            vm = await new MatcherInference(call.Objects).InferAsync(vm, ct);
        }
        catch (AdmissionException e)
        {
            return Verdict.Error(e.Message);
        }

        vm = PreferenceDefaults.Apply(vm, await instancetypes.FindPreferenceAsync(vm, call.Objects, ct));
        var spec = vm.Spec!;
        var template = spec.Template ?? new VirtualMachineInstanceTemplateSpec();
        var instance = template.Spec ?? new VirtualMachineInstanceSpec();
        var domain = instance.Domain ?? new DomainSpec();
        instance = instance with { Domain = (call.IsCreate ? WithFirmware(domain) : domain) with { Devices = domain.Devices ?? new Devices() } };
        if (instance.Architecture is null or "")
            instance = instance with { Architecture = await MachineArchitecture.OfDataSourceAsync(vm, call.Objects, ct) ?? call.Config.DefaultArchitecture };
        if (instance.Domain.Machine?.Type is null or "")
            instance = instance with { Domain = instance.Domain with { Machine = new Machine { Type = call.Config.MachineTypeOf(instance.Architecture) } } };
        var metadata = call.IsCreate && InstanceDefaults.HasPciTopology(instance) ? WithPciTopology(template.Metadata) : template.Metadata;
        return new AdmissionAnswer(Verdict.Allowed, GoForm.Of(vm with { Spec = spec with { Template = template with { Metadata = metadata, Spec = instance } } }));
    }

    public async Task<AdmissionAnswer> Validate(AdmissionCall call, CancellationToken ct)
    {
        var (vm, refusal) = call.Read<VirtualMachine>();
        if (vm is null)
            return refusal!;
        if (vm.Metadata.DeletionTimestamp is not null)
            return AdmissionAnswer.Allowed;
        var old = call.IsUpdate ? call.ReadOld<VirtualMachine>() : null;
        var expanded = await instancetypes.ApplyAsync(vm, call.Objects, ct);
        if (expanded.Conflicts.Count > 0)
            return Verdict.Of(expanded.Conflicts);
        var (causes, error) = Check(call, old, vm, expanded);
        if (error is not null)
            return error;
        if (causes.Count == 0)
            causes = [.. DataVolumeTemplateRules.Namespaces(old, vm)];
        if (causes.Count == 0)
            causes = await StateProblems(call, old, vm, ct);
        return Verdict.Of(causes, Warnings(vm, call.Config));
    }

    public async Task<AdmissionAnswer> ValidateStatus(AdmissionCall call, CancellationToken ct)
    {
        var (vm, refusal) = call.Read<VirtualMachine>();
        if (vm is null)
            return refusal!;
        // The other way round than when the machine itself is written.
        var causes = await VolumeRequestProblems(call, vm, ct);
        return Verdict.Of(causes.Count > 0 ? causes : [.. MachineStateRules.SnapshotAndRestore(call.IsUpdate ? call.ReadOld<VirtualMachine>() : null, vm)]);
    }

    private static (IReadOnlyList<StatusCause> Causes, Verdict? Error) Check(AdmissionCall call, VirtualMachine? old, VirtualMachine vm, AppliedInstancetype expanded)
    {
        var spec = expanded.Machine.Spec ?? new VirtualMachineSpec();
        if (spec.Template is not null)
        {
            try
            {
                var instance = SpecDefaults.Apply(spec.Template.Spec ?? new VirtualMachineInstanceSpec(), call.Config);
                spec = spec with { Template = spec.Template with { Spec = instance } };
            }
            catch (AdmissionException e)
            {
                return ([], Verdict.Error(e.Message));
            }
        }

        if (expanded.RequirementProblem(spec.Template?.Spec) is { } unmet)
            return ([unmet], null);
        if (old is null && spec.Template?.Spec is { } template)
        {
            var discontinued = InstanceRules.DiscontinuedFeatures(vm.Spec?.Template?.Spec ?? template, call.Config).ToList();
            if (discontinued.Count == 0)
                discontinued = [.. InstanceRules.Creation(FieldPath.Spec, template, call.Config)];
            if (discontinued.Count > 0)
                return (discontinued, null);
        }

        return ([.. MachineRules.Spec(FieldPath.Spec, spec, call.Config, call.BySystem)], null);
    }

    private static async Task<IReadOnlyList<StatusCause>> StateProblems(AdmissionCall call, VirtualMachine? old, VirtualMachine vm, CancellationToken ct)
    {
        var causes = MachineStateRules.SnapshotAndRestore(old, vm).ToList();
        return causes.Count > 0 ? causes : await VolumeRequestProblems(call, vm, ct);
    }

    private static async Task<IReadOnlyList<StatusCause>> VolumeRequestProblems(AdmissionCall call, VirtualMachine vm, CancellationToken ct)
    {
        if (vm.Status?.VolumeRequests is not { Count: > 0 })
            return [];
        var running = vm.Status.Ready is true ? await call.Objects.FindAsync<VirtualMachineInstance>(vm.Metadata.Namespace, vm.Metadata.Name!, ct) : null;
        return [.. MachineStateRules.VolumeRequests(vm, running?.Metadata.DeletionTimestamp is null ? running : null, call.Config)];
    }

    private static IReadOnlyList<string> Warnings(VirtualMachine vm, ClusterConfig config)
    {
        var warnings = InstanceRules.Warnings(vm.Spec?.Template?.Spec ?? new VirtualMachineInstanceSpec(), config);
        return vm.Spec?.Running is null ? warnings : [.. warnings, "spec.running is deprecated, please use spec.runStrategy instead."];
    }

    /// <summary>Chosen once and kept: guests tie licenses and cloud-init's identity to them.</summary>
    private static DomainSpec WithFirmware(DomainSpec domain)
    {
        var firmware = domain.Firmware ?? new Firmware();
        return domain with
        {
            Firmware = firmware with
            {
                Uuid = firmware.Uuid is { Length: > 0 } uuid ? uuid : Guid.NewGuid().ToString(),
                Serial = firmware.Serial is { Length: > 0 } serial ? serial : Guid.NewGuid().ToString(),
            },
        };
    }

    private static ObjectMeta WithPciTopology(ObjectMeta? metadata)
    {
        var annotations = new Dictionary<string, string>(metadata?.Annotations ?? new Dictionary<string, string>());
        annotations.TryAdd(Annotations.PciTopologyVersion, InstanceDefaults.PciTopology);
        return (metadata ?? new ObjectMeta()) with { Annotations = annotations };
    }
}
