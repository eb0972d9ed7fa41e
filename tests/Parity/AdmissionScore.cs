using System.Text.Json;
using Troupe.ControlPlane.Admission;

namespace Troupe.Parity;

/// <summary>Counts of equal answers, and what the unequal ones have in common.</summary>
public sealed class AdmissionScore
{
    private readonly Dictionary<string, List<string>> _groups = [];
    private readonly Dictionary<string, List<string>> _mutations = [];
    private int _cases;
    private int _sameAnswer;
    private int _sameFields;
    private int _sameMessages;
    private int _mutated;
    private int _sameMutation;

    public double SameAnswer => Share(_sameAnswer, _cases);
    public double SameMessages => Share(_sameMessages, _cases);

    public void Add(string name, JsonElement expected, Verdict verdict)
    {
        _cases++;
        var (theirs, ours) = (Causes(expected), verdict.Refusal?.Details?.Causes?.Select(c => (c.Reason ?? "", c.Field ?? "", c.Message ?? "")).ToList() ?? []);
        var allowed = expected.GetProperty("allowed").GetBoolean();
        if (allowed == verdict.IsAllowed)
            _sameAnswer++;
        var fields = allowed == verdict.IsAllowed && theirs.Select(c => (c.Item1, c.Item2)).SequenceEqual(ours.Select(c => (c.Item1, c.Item2)));
        if (fields)
            _sameFields++;
        if (fields && theirs.SequenceEqual(ours))
            _sameMessages++;
        else
            Group(_groups, allowed == verdict.IsAllowed ? Reason(theirs, ours) : $"allowed: KubeVirt {allowed}, Troupe {verdict.IsAllowed} ({verdict.Refusal?.Message})", name);
    }

    public void AddMutation(string name, IReadOnlyList<Difference> differences)
    {
        _mutated++;
        if (differences.Count == 0)
            _sameMutation++;
        foreach (var difference in differences)
            Group(_mutations, difference.ToString(), name);
    }

    public void Print(TextWriter output, bool list)
    {
        output.WriteLine($"admission: {_cases} cases");
        output.WriteLine($"  same answer                       {SameAnswer,7:P1}");
        output.WriteLine($"  same answer and fields            {Share(_sameFields, _cases),7:P1}");
        output.WriteLine($"  same answer, fields and messages  {SameMessages,7:P1}");
        output.WriteLine($"  same object after mutation        {Share(_sameMutation, _mutated),7:P1} of {_mutated}");
        Print(output, list, "different answers", _groups);
        Print(output, list, "different mutations", _mutations);
    }

    private static void Print(TextWriter output, bool list, string title, Dictionary<string, List<string>> groups)
    {
        if (groups.Count == 0)
            return;
        output.WriteLine($"  {title}:");
        foreach (var (reason, names) in groups.OrderByDescending(g => g.Value.Count).Take(list ? int.MaxValue : 15))
        {
            output.WriteLine($"  {names.Count,5}  {reason}");
            foreach (var name in list ? names : names.Take(1))
                output.WriteLine($"           {name}");
        }
    }

    private static string Reason(List<(string, string, string)> theirs, List<(string, string, string)> ours)
    {
        var (missing, extra) = (theirs.Except(ours).ToList(), ours.Except(theirs).ToList());
        return missing.Count == 0 && extra.Count == 0
            ? "order or number of causes"
            : $"KubeVirt {Text(missing)} | Troupe {Text(extra)}";
    }

    private static string Text(List<(string Reason, string Field, string Message)> causes) => string.Join("; ", causes.Select(c => $"{c.Field} [{c.Reason}] {c.Message}"));

    private static List<(string, string, string)> Causes(JsonElement result) =>
        [.. result.GetProperty("causes").EnumerateArray().Select(c => (Text(c, "type"), Text(c, "field"), Text(c, "message")))];

    private static string Text(JsonElement obj, string name) => obj.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private static void Group(Dictionary<string, List<string>> groups, string reason, string name)
    {
        if (!groups.TryGetValue(reason, out var names))
            groups[reason] = names = [];
        names.Add(name);
    }

    private static double Share(int part, int whole) => whole == 0 ? 1 : (double)part / whole;
}
