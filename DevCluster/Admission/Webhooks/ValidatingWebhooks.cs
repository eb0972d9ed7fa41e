using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>Asks all validating webhooks at once; one refusal is enough.</summary>
internal sealed class ValidatingWebhooks(WebhookCalls calls) : IAdmissionStep
{
    public async ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        var concerned = calls.All("validatingwebhookconfigurations").Select(w => (Webhook: w, Shown: calls.Shown(w, request))).Where(m => m.Shown is not null).ToList();
        if (concerned.Count == 0)
            return;
        var asked = concerned.Select(m => calls.AskAsync(m.Webhook, request, m.Shown!, mutating: false, ct)).ToList();
        try
        {
            await Task.WhenAll(asked);
        }
        catch
        {
            // The first in order, so that the same request is always refused in the same words.
            throw asked.First(a => a.IsFaulted || a.IsCanceled).Exception?.InnerException ?? new OperationCanceledException(ct);
        }
    }
}
