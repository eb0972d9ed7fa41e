using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>Brings a pool's machines, and then their running instances, to the pool's present template.</summary>
public static class PoolUpdates
{
    /// <param name="machines">Those that stay in the pool.</param>
    public static IEnumerable<PoolEffect> Decide(PoolState state, VirtualMachinePool pool, IReadOnlyList<VirtualMachine> machines, int seed)
    {
        var strategy = pool.Spec?.UpdateStrategy;
        if (strategy?.Unmanaged is not null)
            return [];
        var eligible = PoolSelection.Order(machines, strategy?.Proactive?.SelectionPolicy, seed);
        var unread = Used(state, eligible).Where(r => r != PoolMember.Revision(pool) && !state.Revisions.ContainsKey(r)).ToList();
        if (unread.Count > 0)
            return [new PoolEffect.LoadRevisions(unread)];
        var outdated = eligible.Where(m => IsOutdated(state, pool, m) && PoolSelection.Index(m.Metadata.Name!) is not null).ToList();
        List<PoolEffect> effects = [];
        if (outdated.Count > 0)
            effects.Add(new PoolEffect.Update([.. outdated.Select(m => (m, PoolMember.Update(pool, m, PoolSelection.Index(m.Metadata.Name!)!.Value)))]));
        if (strategy?.Opportunistic is null)
            effects.AddRange(Instances(state, pool, [.. eligible.Except(outdated)]));
        var used = Used(state, machines).Append(PoolMember.Revision(pool)).ToHashSet();
        if (effects.Count == 0 && state.Kept?.SetEquals(used) is not true)
            effects.Add(new PoolEffect.PruneRevisions(used));
        return effects;
    }

    /// <summary>How many machines may be down at once, at least one.</summary>
    public static int MaxUnavailable(VirtualMachinePoolSpec? spec)
    {
        var replicas = spec?.Replicas ?? 1;
        var text = spec?.MaxUnavailable?.Text ?? "100%";
        var value = int.Parse(text.TrimEnd('%'), CultureInfo.InvariantCulture);
        return Math.Max(1, text.EndsWith('%') ? replicas * value / 100 : value);
    }

    private static IEnumerable<PoolEffect> Instances(PoolState state, VirtualMachinePool pool, IReadOnlyList<VirtualMachine> machines)
    {
        var room = MaxUnavailable(pool.Spec) - machines.Count(m => !IsReady(state.Instances.GetValueOrDefault(m.Metadata.Uid!)));
        List<VirtualMachineInstance> restarts = [];
        List<VirtualMachine> replaced = [];
        List<(VirtualMachineInstance, string)> relabelled = [];
        foreach (var machine in machines)
        {
            if (state.Instances.GetValueOrDefault(machine.Metadata.Uid!) is not { Metadata.DeletionTimestamp: null } instance
                || RevisionOf(machine.Metadata.Labels) is not { } wanted || RevisionOf(instance.Metadata.Labels) == wanted)
                continue;
            var difference = Differs(state, pool, RevisionOf(instance.Metadata.Labels), wanted);
            if (difference is Difference.Nothing)
            {
                relabelled.Add((instance, wanted));
                continue;
            }

            // One that is down already takes nothing away.
            if (IsReady(instance) && room-- <= 0)
                continue;
            if (difference is Difference.Volumes)
                replaced.Add(machine);
            else
                restarts.Add(instance);
        }

        if (relabelled.Count > 0)
            yield return new PoolEffect.Relabel(relabelled);
        if (restarts.Count > 0)
            yield return new PoolEffect.Restart(restarts);
        if (replaced.Count > 0)
            yield return new PoolEffect.Delete(replaced, Foreground: true);
    }

    private enum Difference
    {
        Nothing,
        Template,
        Volumes,
    }

    private static Difference Differs(PoolState state, VirtualMachinePool pool, string? running, string wanted)
    {
        if (running is null || SpecOf(state, pool, running)?.VirtualMachineTemplate?.Spec is not { } before)
            return Difference.Template;
        if (SpecOf(state, pool, wanted)?.VirtualMachineTemplate?.Spec is not { } after)
            return Difference.Nothing;
        var (old, now) = (Json(before), Json(after));
        return !JsonNode.DeepEquals(old["dataVolumeTemplates"], now["dataVolumeTemplates"]) ? Difference.Volumes
            : JsonNode.DeepEquals(old["template"], now["template"]) ? Difference.Nothing
            : Difference.Template;
    }

    private static bool IsOutdated(PoolState state, VirtualMachinePool pool, VirtualMachine machine)
    {
        if (RevisionOf(machine.Metadata.Labels) is not { } revision)
            return true;
        return revision != PoolMember.Revision(pool) && !JsonNode.DeepEquals(Json(SpecOf(state, pool, revision)?.VirtualMachineTemplate), Json(pool.Spec?.VirtualMachineTemplate));
    }

    private static VirtualMachinePoolSpec? SpecOf(PoolState state, VirtualMachinePool pool, string revision) =>
        revision == PoolMember.Revision(pool) ? pool.Spec : state.Revisions.GetValueOrDefault(revision);

    private static HashSet<string> Used(PoolState state, IEnumerable<VirtualMachine> machines) =>
        [.. machines.SelectMany(m => new[] { RevisionOf(m.Metadata.Labels), RevisionOf(state.Instances.GetValueOrDefault(m.Metadata.Uid!)?.Metadata.Labels) }).OfType<string>()];

    private static bool IsReady(VirtualMachineInstance? instance) => instance is { Metadata.DeletionTimestamp: null, Status.Phase: VmiPhases.Running }
        && instance.Status.Conditions?.Any(c => c is { Type: Conditions.Ready, Status: "True" }) is true;

    private static string? RevisionOf(IReadOnlyDictionary<string, string>? labels) => labels?.GetValueOrDefault(PoolVocabulary.RevisionLabel);

    private static JsonObject? Json(VirtualMachineTemplateSpec? template) => template is null ? null : JsonSerializer.SerializeToNode(template, ApiJson.Default.VirtualMachineTemplateSpec)!.AsObject();

    private static JsonObject Json(VirtualMachineSpec spec) => JsonSerializer.SerializeToNode(spec, ApiJson.Default.VirtualMachineSpec)!.AsObject();
}
