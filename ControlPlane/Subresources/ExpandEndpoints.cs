using System.Text.Json;
using Troupe.ControlPlane.Admission;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Defaults;
using Troupe.ControlPlane.Admission.Schema;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Subresources;

/// <summary>`expand-spec` of a machine and `expand-vm-spec` of a manifest: the machine as it is without its references to instance type and preference.</summary>
public sealed class ExpandEndpoints(IKubeClient kubernetes, Authorizer authorizer, Func<ClusterConfig> config)
{
    public const string Name = "expand-spec";
    public const string OfManifest = "expand-vm-spec";
    private const string InstancetypeGroup = "instancetype.kubevirt.io";
    private const string NotAllowed = "Subject not allowed to access resource";

    public void Map(WebApplication app, string version)
    {
        app.MapGet(SubresourceApi.Route(version, MachineEndpoints.Resource, Name), async (HttpContext context, string ns, string name) =>
        {
            var refusal = await authorizer.RefusalAsync(context, new Access("get", ns, MachineEndpoints.Resource, Name, name));
            var machine = refusal is null ? await kubernetes.FindAsync<VirtualMachine>(ns, name, context.RequestAborted) : null;
            await (refusal?.WriteAsync(context.Response) ?? (machine is null
                ? Refusal.NotFound(Refusal.Machines, name).WriteAsync(context.Response)
                : AnswerAsync(context, machine, Refusal.Internal)));
        });
        app.MapPut($"/apis/{SubresourceApi.Group}/{version}/namespaces/{{ns}}/{OfManifest}", async (HttpContext context, string ns) =>
        {
            var refusal = await authorizer.RefusalAsync(context, new Access("update", ns, OfManifest, "", ""));
            var (unreadable, machine) = refusal is null ? await ReadAsync(context, ns) : (refusal, null);
            await (unreadable?.WriteAsync(context.Response) ?? AnswerAsync(context, machine!, Refusal.BadRequest));
        });
    }

    /// <returns>The machine, or why it can't be expanded.</returns>
    public static (string? Problem, VirtualMachine? Machine) Expand(
        VirtualMachine machine, UsedInstancetypes used, ClusterConfig config)
    {
        if (used is (null, null))
            return (null, machine);
        var template = machine.Spec!.Template ?? new VirtualMachineInstanceTemplateSpec();
        var spec = AutoattachDefaults.BeforePreference(template.Spec ?? new VirtualMachineInstanceSpec(), used.Preference);
        var (expanded, conflicts) = InstancetypeApplication.Expand(
            machine with { Spec = machine.Spec with { Template = template with { Spec = spec } } }, used.Instancetype, used.Preference);
        if (conflicts.Count > 0)
            return (InstancetypeConflicts.Message(string.Join(", ", conflicts.Select(c => $"spec.template.spec.{c}"))), null);
        try
        {
            var complete = expanded.Spec!.Template!;
            return (null, expanded with { Spec = expanded.Spec with { Template = complete with { Spec = SpecDefaults.Apply(complete.Spec!, config) } } });
        }
        catch (AdmissionException e)
        {
            return (e.Message, null);
        }
    }

    private async Task AnswerAsync(HttpContext context, VirtualMachine machine, Func<string, Refusal> refuse)
    {
        var ct = context.RequestAborted;
        if (await MayReadAsync(context, machine, InstancetypeReader.InstancetypeOf(machine)) is { } hidden)
        {
            await hidden.WriteAsync(context.Response);
            return;
        }

        if (await MayReadAsync(context, machine, InstancetypeReader.PreferenceOf(machine)) is { } hiddenToo)
        {
            await hiddenToo.WriteAsync(context.Response);
            return;
        }

        string? problem;
        VirtualMachine? expanded;
        try
        {
            var reader = new InstancetypeReader(new ClusterObjects(kubernetes));
            var used = new UsedInstancetypes((await reader.InstancetypeAsync(machine, ct))?.Spec, (await reader.PreferenceAsync(machine, ct))?.Spec);
            (problem, expanded) = Expand(machine, used, config());
        }
        catch (InstancetypeMissingException e)
        {
            (problem, expanded) = (e.Message, null);
        }

        if (expanded is null)
        {
            await refuse(problem!).WriteAsync(context.Response);
            return;
        }

        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, expanded with { ApiVersion = MachineVocabulary.ApiVersion, Kind = MachineVocabulary.Kind }, ApiJson.Default.VirtualMachine, ct);
    }

    /// <summary>Who may not see an instance type is not told by way of a machine what is in it.</summary>
    private async Task<Refusal?> MayReadAsync(HttpContext context, VirtualMachine machine, (string Resource, string Name, bool Namespaced)? used)
    {
        if (used is not var (resource, name, namespaced))
            return null;
        var access = new Access("get", namespaced ? machine.Metadata.Namespace : null, resource, "", name) { Group = InstancetypeGroup, Version = "v1beta1" };
        return await authorizer.RefusalAsync(context, access) is null ? null : new Refusal(403, "Forbidden", $"{resource} \"{name}\" is forbidden: {NotAllowed}");
    }

    private static async Task<(Refusal? Refusal, VirtualMachine? Machine)> ReadAsync(HttpContext context, string ns)
    {
        VirtualMachine machine;
        try
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            var problems = body.RootElement.ValueKind is JsonValueKind.Object
                ? SchemaCheck.Problems(body.RootElement, ModelSchema.Of(typeof(VirtualMachine)), true).Select(p => new StatusCause { Message = p.Message }).ToList()
                : [new StatusCause { Message = "a JSON object is wanted" }];
            if (problems.Count > 0)
                return (Refusal.BadRequest("Object is not a valid VirtualMachine") with { Details = new StatusDetails { Causes = problems } }, null);
            machine = body.RootElement.Deserialize(ApiJson.Default.VirtualMachine)!;
        }
        catch (JsonException e)
        {
            return (Refusal.BadRequest($"Can not unmarshal Request body to struct, error: {e.Message}"), null);
        }

        return machine.Metadata.Namespace is { Length: > 0 } own && own != ns
            ? (Refusal.BadRequest($"VM namespace must be empty or {ns}"), null)
            : (null, machine with { Metadata = machine.Metadata with { Namespace = ns } });
    }
}
