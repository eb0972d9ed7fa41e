using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Subresources;

/// <summary>What start, stop and restart change: JSON patches, of which the machine's is tested against what was read.</summary>
/// <param name="Machine">Of the VirtualMachine's spec.</param>
/// <param name="MachineStatus">Of its status: requests that its controller carries out.</param>
/// <param name="Instance">Of the running instance, made first.</param>
/// <param name="InstanceUndo">Takes <paramref name="Instance"/> back when the machine's patch fails.</param>
public sealed record MachineChange(JsonArray? Machine = null, JsonArray? MachineStatus = null, JsonArray? Instance = null, JsonArray? InstanceUndo = null);

/// <param name="Change">Null when refused.</param>
public sealed record MachineDecision(Refusal? Refusal, MachineChange? Change)
{
    public static implicit operator MachineDecision(Refusal refusal) => new(refusal, null);

    public static implicit operator MachineDecision(MachineChange change) => new(null, change);
}

/// <summary>Starting, stopping and restarting a VirtualMachine by hand, as its run strategy allows it.</summary>
public static class MachineCommands
{
    private const string Always = "Always";
    private const string Halted = "Halted";
    private const string Manual = "Manual";
    private const string Once = "Once";
    private const string RerunOnFailure = "RerunOnFailure";
    private const string NotRunning = "VM is not running";
    private const string GracePath = "/spec/terminationGracePeriodSeconds";

    /// <summary>Of a failed volume migration.</summary>
    private const string NeedsRecovery =
        "VM recovery required: Volume migration failed, leaving some volumes pointing to non-consistent targets; manual intervention is needed to reassign them to their original volumes.";

    public static MachineDecision Start(VirtualMachine machine, VirtualMachineInstance? instance, StartOptions options)
    {
        var name = machine.Metadata.Name!;
        var phase = instance?.Status?.Phase;
        if (phase is not (null or "" or "Unknown") && !IsFinal(instance))
            return Refusal.Conflict(Refusal.Machines, name, "VM is already running");
        if (HasCondition(machine, "ManualRecoveryRequired"))
            return Refusal.Conflict(Refusal.Machines, name, NeedsRecovery);
        var start = new VirtualMachineStateChangeRequest
        {
            Action = "Start",
            Data = options.Paused is true ? new Dictionary<string, string> { ["paused"] = "true" } : null,
        };
        return StrategyOf(machine) switch
        {
            Halted when options.Paused is true => Request(machine, start),
            Halted => Run(machine, true),
            RerunOnFailure when phase == VmiPhases.Failed => Refusal.Conflict(Refusal.Machines, name, $"{RerunOnFailure} does not support starting VM from failed state"),
            RerunOnFailure or Manual when IsFinal(instance) => Request(machine, Stop(instance!), start),
            RerunOnFailure or Manual => Request(machine, start),
            var strategy => Refusal.Conflict(Refusal.Machines, name, $"{strategy} does not support manual start requests"),
        };
    }

    public static MachineDecision Stop(VirtualMachine machine, VirtualMachineInstance? instance, StopOptions options)
    {
        var name = machine.Metadata.Name!;
        var strategy = StrategyOf(machine);
        var isRunning = instance is not null && !IsFinal(instance);
        if (strategy is not (Always or Once) && !isRunning)
            return Refusal.Conflict(Refusal.Machines, name, NotRunning);
        if (strategy is Halted && (options.GracePeriod is not { } wanted || (instance!.Spec?.TerminationGracePeriodSeconds is { } now && wanted >= now)))
            return Refusal.Conflict(Refusal.Machines, name, $"{Halted} only supports manual stop requests with a shorter graceperiod");
        var decision = strategy is Always or Once ? Run(machine, false) : Request(machine, Stop(instance!));
        return isRunning && options.GracePeriod is { } grace ? WithGrace(decision, instance!, grace) : decision;
    }

    public static MachineDecision Restart(VirtualMachine machine, VirtualMachineInstance? instance, RestartOptions options)
    {
        var name = machine.Metadata.Name!;
        if (HasCondition(machine, "VolumesChange"))
            return Refusal.Conflict(Refusal.Machines, name, NeedsRecovery);
        if (StrategyOf(machine) is (Halted or Once) and var strategy)
            return Refusal.Conflict(Refusal.Machines, name, $"RunStategy {strategy} does not support manual restart requests");
        if (instance is null)
            return Refusal.Conflict(Refusal.Machines, name, $"{NotRunning}: {Halted}");
        var decision = Request(machine, Stop(instance), new VirtualMachineStateChangeRequest { Action = "Start" });
        // One second is the shortest that lets the guest's disks be written.
        return options.GracePeriodSeconds is 0 ? WithGrace(decision, instance, 1) : decision;
    }

    /// <summary>What can be said without looking at the machine.</summary>
    public static Refusal? Check(RestartOptions options) => options.GracePeriodSeconds switch
    {
        > 0 => Refusal.BadRequest("For force restart, only gracePeriod=0 is supported for now"),
        < 0 => Refusal.BadRequest("gracePeriod has to be greater or equal to 0"),
        _ => null,
    };

    public static Refusal? CheckMigrate(VirtualMachineInstance instance) =>
        instance.Status?.Phase == VmiPhases.Running ? null : Refusal.Conflict(Refusal.Machines, instance.Metadata.Name!, NotRunning);

    private static VirtualMachineStateChangeRequest Stop(VirtualMachineInstance instance) => new() { Action = "Stop", Uid = instance.Metadata.Uid };

    private static MachineDecision Run(VirtualMachine machine, bool run) => machine.Spec?.RunStrategy is { } strategy
        ? new MachineChange([Operation("test", "/spec/runStrategy", strategy), Operation("replace", "/spec/runStrategy", run ? Always : Halted)])
        : new MachineChange([Operation("test", "/spec/running", machine.Spec?.Running), Operation("replace", "/spec/running", run)]);

    private static MachineDecision Request(VirtualMachine machine, params VirtualMachineStateChangeRequest[] requests)
    {
        const string path = "/status/stateChangeRequests";
        var wanted = ToJson(requests);
        if (machine.Status is not { } status)
            return new MachineChange(MachineStatus: [Operation("add", "/status", new JsonObject { ["stateChangeRequests"] = wanted })]);
        var isWaiting = status.StateChangeRequests is { Count: > 0 };
        if (isWaiting && requests is not [{ Action: "Stop" }])
            return Refusal.Internal("unable to complete request: stop/start already underway");
        JsonArray patch =
        [
            Operation("test", path, isWaiting ? ToJson(status.StateChangeRequests!) : null), Operation(isWaiting ? "replace" : "add", path, wanted),
        ];
        if (status.StartFailure is not null)
            patch.Add(new JsonObject { ["op"] = "remove", ["path"] = "/status/startFailure" });
        return new MachineChange(MachineStatus: patch);
    }

    private static MachineDecision WithGrace(MachineDecision decision, VirtualMachineInstance instance, long grace) => decision.Change is not { } change ? decision : change with
    {
        Instance = [Operation("test", GracePath, instance.Spec?.TerminationGracePeriodSeconds), Operation("replace", GracePath, grace)],
        InstanceUndo = [Operation("test", GracePath, grace), Operation("replace", GracePath, instance.Spec?.TerminationGracePeriodSeconds ?? 0)],
    };

    private static JsonNode Operation(string op, string path, JsonNode? value) => new JsonObject { ["op"] = op, ["path"] = path, ["value"] = value };

    private static JsonArray ToJson(IEnumerable<VirtualMachineStateChangeRequest> requests) =>
        [.. requests.Select(r => JsonSerializer.SerializeToNode(r, ApiJson.Default.VirtualMachineStateChangeRequest))];

    private static string StrategyOf(VirtualMachine machine) => machine.Spec?.RunStrategy ?? (machine.Spec?.Running is true ? Always : Halted);

    private static bool IsFinal(VirtualMachineInstance? instance) => instance?.Status?.Phase is VmiPhases.Succeeded or VmiPhases.Failed;

    private static bool HasCondition(VirtualMachine machine, string type) => machine.Status?.Conditions?.Any(c => c.Type == type && c.Status == "True") is true;
}
